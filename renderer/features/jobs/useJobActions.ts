import { useMemo } from 'react'
import type { Input } from '#shared/rpc/client.ts'
import { useClient } from '../../stores/studio.ts'
import { toastError } from '../../ui/toasts.tsx'

type Selection = Input<'jobs.cancel'>

/** What a person can do to jobs. What goes wrong is said. */
export function useJobActions() {
  const client = useClient()
  return useMemo(
    () => ({
      pause: (paused: boolean) => void client.call('jobs.pause', { paused }).catch(toastError),
      cancel: (which: Selection) => void client.call('jobs.cancel', which).catch(toastError),
      retry: (which: Input<'jobs.retry'>) => void client.call('jobs.retry', which).catch(toastError),
      dismiss: (which: Selection) => void client.call('jobs.dismiss', which).catch(toastError),
    }),
    [client],
  )
}
