import { useMemo } from 'react'
import type { JobView } from '#shared/rpc/methods/jobs.ts'
import type { ModelSource } from '#shared/rpc/methods/models.ts'
import { useClient } from '../../stores/studio.ts'
import { useRead } from '../../stores/useRead.ts'
import { toastError } from '../../ui/toasts.tsx'

export interface Downloads {
  /** Jobs that fetch a model and are not done, by hub id. */
  readonly downloads: ReadonlyMap<string, JobView>
  /** Puts a model into the engine's line, or tries again what is in it. */
  readonly start: (hubId: string, source: ModelSource) => void
}

const NOT_DONE = ['waiting', 'running', 'interrupted', 'failed', 'cancelled'] as const

/** The models that are on their way, as every window sees them: leaving a page or the window stops none. */
export function useDownloads(isWanted = true): Downloads {
  const client = useClient()
  const { data } = useRead('jobs.list', isWanted ? { kind: 'download', states: [...NOT_DONE] } : null)
  const downloads = useMemo(
    () => new Map((data?.jobs ?? []).flatMap(job => (job.task.kind === 'download' ? [[job.task.hubId, job]] : []))),
    [data],
  )
  async function begin(hubId: string, source: ModelSource): Promise<void> {
    const known = downloads.get(hubId)
    if (known?.task.kind === 'download' && known.task.source === source) {
      await client.call('jobs.retry', { ids: [known.id] })
      return
    }
    if (known !== undefined) await client.call('jobs.dismiss', { ids: [known.id] })
    await client.call('jobs.add', { jobs: [{ title: hubId, task: { kind: 'download', hubId, source } }] })
  }
  return { downloads, start: (hubId, source) => void begin(hubId, source).catch(toastError) }
}

/** It waits for its turn, or is being fetched. */
export function isUnderway(job: JobView | undefined): job is JobView {
  return job?.state === 'waiting' || job?.state === 'running'
}
