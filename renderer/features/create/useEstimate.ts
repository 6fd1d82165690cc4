import { useEffect, useState } from 'react'
import type { Input, Output } from '#shared/rpc/client.ts'
import { useClient } from '../../stores/studio.ts'

export type Estimate = Output<'packets.estimate'>

/** What reading would cost, a moment after the last change. `input` must keep its identity while nothing changed. */
export function useEstimate(input: Input<'packets.estimate'> | null): {
  readonly estimate: Estimate | null
  readonly error: unknown
} {
  const client = useClient()
  const [state, setState] = useState<{ estimate: Estimate | null; error: unknown }>({ estimate: null, error: null })
  useEffect(() => {
    if (input === null) {
      setState({ estimate: null, error: null })
      return
    }
    const controller = new AbortController()
    const timer = setTimeout(() => {
      client.call('packets.estimate', input, { signal: controller.signal }).then(
        estimate => !controller.signal.aborted && setState({ estimate, error: null }),
        error => !controller.signal.aborted && setState({ estimate: null, error }),
      )
    }, 250)
    return () => {
      clearTimeout(timer)
      controller.abort()
    }
  }, [client, input])
  return state
}
