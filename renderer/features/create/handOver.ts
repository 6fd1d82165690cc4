import type { Client } from '#shared/rpc/client.ts'
import type { NewJob } from '../../stores/jobs.ts'
import type { SourceFile } from '../../stores/sourcesStore.ts'

/** A job that is to be, and what of the page goes into it. Files are read into memory only when it is handed over. */
export interface PlannedJob {
  readonly title: string
  readonly task: NewJob['task']
  readonly files: readonly SourceFile[]
  readonly pasted: { readonly name: string; readonly text: string } | null
}

/** What is handed over at once. */
const MOST_JOBS = 50
const MOST_BYTES = 8e6

/** One job for each text, or one of all. */
export function jobsFor({
  files,
  pasted,
  separate,
  title,
  taskFor,
}: Pick<PlannedJob, 'files' | 'pasted'> & {
  readonly separate: boolean
  /** Of the one job; null: that of its first text. */
  readonly title: string | null
  readonly taskFor: (title: string) => NewJob['task']
}): PlannedJob[] {
  const groups: Pick<PlannedJob, 'files' | 'pasted'>[] = separate
    ? [...files.map(file => ({ files: [file], pasted: null })), ...(pasted === null ? [] : [{ files: [], pasted }])]
    : [{ files, pasted }]
  return groups.map(group => {
    const own = title ?? group.files[0]?.name ?? group.pasted?.name ?? 'text'
    return { ...group, title: own, task: taskFor(own) }
  })
}

/**
 * Puts jobs into the engine's line, some at a time. `onTaken` hears which are safe there, so that the page can let go of
 * them; what it still has when this throws can be handed over again.
 */
export async function handOver(
  client: Client,
  jobs: readonly PlannedJob[],
  onTaken: (taken: readonly PlannedJob[], done: number) => void,
): Promise<void> {
  for (let done = 0; done < jobs.length; ) {
    let bytes = 0
    const batch: PlannedJob[] = []
    for (const job of jobs.slice(done, done + MOST_JOBS)) {
      bytes += job.files.reduce((sum, file) => sum + file.bytes, job.pasted?.text.length ?? 0)
      if (batch.length > 0 && bytes > MOST_BYTES) break
      batch.push(job)
    }
    await client.call('jobs.add', { jobs: await Promise.all(batch.map(newJob)) })
    done += batch.length
    onTaken(batch, done)
  }
}

async function newJob({ title, task, files, pasted }: PlannedJob): Promise<NewJob> {
  const opened = await Promise.all(
    files.map(async ({ name, text, extractor, unopened }) =>
      unopened === null
        ? { name: name.slice(-300), text: text ?? '', extractor: extractor ?? undefined }
        : { name, bytes: new Uint8Array(await unopened.arrayBuffer()) },
    ),
  )
  const typed = pasted === null ? [] : [{ name: pasted.name.slice(-300), text: pasted.text }]
  return { title, task, sources: [...opened, ...typed] }
}
