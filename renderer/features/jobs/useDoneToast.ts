import { useEffect, useRef } from 'react'
import { useLocation } from 'react-router'
import { type JobsStatus, openJobs } from '../../stores/jobs.ts'
import { formatCounted } from '../../ui/format.ts'
import { toastDone } from '../../ui/toasts.tsx'

const DONE = { read: 'was read', download: 'is installed', import: 'is in the library' } as const

/** Says once that the line is empty, unless the page shows what came of it. */
export function useDoneToast(status: JobsStatus | undefined): void {
  const before = useRef(status)
  const { pathname } = useLocation()
  useEffect(() => {
    const last = before.current
    before.current = status
    if (last === undefined || status === undefined || openJobs(last) === 0 || openJobs(status) > 0) return
    const [only] = last.running
    const isShown = pathname === '/new' && (only === undefined || only.task.kind === 'read')
    if (status.counts.done === 0 || isShown) return
    if (status.round.total === 1 && only !== undefined) toastDone(`${only.title} ${DONE[only.task.kind]}`)
    else toastDone(`${formatCounted(status.counts.done, 'job')} are done`)
  }, [status, pathname])
}
