import { useEffect, useRef } from 'react'
import { useLocation } from 'react-router'
import { type JobsStatus, openJobs } from '../../stores/jobsStore.ts'
import { formatCount } from '../../ui/format.ts'
import { toastDone } from '../../ui/toasts.tsx'

/** Says once that the line is empty, unless the page shows what came of it. */
export function useDoneToast(status: JobsStatus | null): void {
  const before = useRef(status)
  const { pathname } = useLocation()
  useEffect(() => {
    const last = before.current
    before.current = status
    if (last === null || status === null || openJobs(last) === 0 || openJobs(status) > 0) return
    const isShown = pathname === '/new' && last.running[0]?.task.kind !== 'download'
    if (status.counts.done === 0 || isShown) return
    const [only] = last.running
    if (status.round.total === 1 && only !== undefined) toastDone(`${only.title} is done`)
    else toastDone(`${formatCount(status.counts.done)} jobs are done`)
  }, [status, pathname])
}
