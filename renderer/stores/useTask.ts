import { useCallback, useEffect, useRef, useState } from 'react'
import { toStatePackError } from '#shared/domain/error.ts'
import type { Input, Output, StreamOptions } from '#shared/rpc/client.ts'
import type { MethodName, Taken } from '#shared/rpc/contract.ts'
import type { Progress } from '#shared/rpc/progress.ts'
import type { Items } from '#shared/rpc/transport.ts'
import { useClient } from './studio.ts'

export interface Task<M extends MethodName> {
  readonly status: 'idle' | 'running' | 'done' | 'failed' | 'cancelled'
  readonly progress: Progress | null
  readonly result: Output<M> | null
  readonly error: unknown
  /** Starts the call (cancelling one that still runs). Resolves with the answer, or null when it failed or was cancelled. */
  readonly run: (input: Input<M>, upload?: Items<Taken<M>>) => Promise<Output<M> | null>
  readonly cancel: () => void
  readonly reset: () => void
}

type State<M extends MethodName> = Pick<Task<M>, 'status' | 'progress' | 'result' | 'error'>

/** What a task hears while its call runs: every report, and each item that the method sends. */
type Listeners<M extends MethodName> = Pick<StreamOptions<M>, 'onProgress' | 'onItem'>

/**
 * One long call with its progress, cancel and outcome as state; the `progress` field has the last report. Leaving the page
 * cancels the call.
 */
export function useTask<M extends MethodName>(method: M, listeners: Listeners<M> = {}): Task<M> {
  const client = useClient()
  const idle: State<M> = { status: 'idle', progress: null, result: null, error: null }
  const [state, setState] = useState<State<M>>(idle)
  const controller = useRef<AbortController | null>(null)
  const listener = useRef(listeners)
  listener.current = listeners

  useEffect(() => () => controller.current?.abort(), [])

  const run = useCallback(
    async (input: Input<M>, upload?: Items<Taken<M>>): Promise<Output<M> | null> => {
      controller.current?.abort()
      const mine = new AbortController()
      controller.current = mine
      setState({ status: 'running', progress: null, result: null, error: null })
      try {
        const result = await client.call(method, input, {
          signal: mine.signal,
          onProgress: progress => {
            if (controller.current !== mine) return
            listener.current.onProgress?.(progress)
            setState(before => ({ ...before, progress }))
          },
          onItem: item => (controller.current === mine ? listener.current.onItem?.(item) : undefined),
          upload,
        })
        if (controller.current !== mine) return null
        setState({ status: 'done', progress: null, result, error: null })
        return result
      } catch (thrown) {
        if (controller.current !== mine) return null
        const error = toStatePackError(thrown)
        setState({ status: error.code === 'E_CANCELLED' ? 'cancelled' : 'failed', progress: null, result: null, error })
        return null
      }
    },
    [client, method],
  )
  const cancel = useCallback(() => controller.current?.abort(), [])
  const reset = useCallback(() => {
    controller.current = null
    setState({ status: 'idle', progress: null, result: null, error: null })
  }, [])
  return { ...state, run, cancel, reset }
}
