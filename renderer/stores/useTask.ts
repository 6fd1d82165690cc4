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
  /** When the result came, nothing else than what began the call had the focus: whoever pressed it waits for the result. */
  readonly isAwaited: boolean
  /** Starts the call (cancelling one that still runs). Resolves with the answer, or null when it failed or was cancelled. */
  readonly run: (input: Input<M>, upload?: Items<Taken<M>>) => Promise<Output<M> | null>
  readonly cancel: () => void
  readonly reset: () => void
}

type State<M extends MethodName> = Pick<Task<M>, 'status' | 'progress' | 'result' | 'error' | 'isAwaited'>

const NOTHING = { progress: null, result: null, error: null, isAwaited: false } as const

/** What a task hears while its call runs: every report, and each item that the method sends. */
type Listeners<M extends MethodName> = Pick<StreamOptions<M>, 'onProgress' | 'onItem'>

/**
 * One long call with its progress, cancel and outcome as state; the `progress` field has the last report. Leaving the page
 * cancels the call.
 */
export function useTask<M extends MethodName>(method: M, listeners: Listeners<M> = {}): Task<M> {
  const client = useClient()
  const [state, setState] = useState<State<M>>({ ...NOTHING, status: 'idle' })
  const controller = useRef<AbortController | null>(null)
  const listener = useRef(listeners)
  listener.current = listeners

  useEffect(() => () => controller.current?.abort(), [])

  const run = useCallback(
    async (input: Input<M>, upload?: Items<Taken<M>>): Promise<Output<M> | null> => {
      controller.current?.abort()
      const mine = new AbortController()
      controller.current = mine
      const pressed = document.activeElement
      setState({ ...NOTHING, status: 'running' })
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
        const isAwaited = [pressed, document.body, null].includes(document.activeElement)
        setState({ ...NOTHING, status: 'done', result, isAwaited })
        return result
      } catch (thrown) {
        if (controller.current !== mine) return null
        const error = toStatePackError(thrown)
        setState({ ...NOTHING, status: error.code === 'E_CANCELLED' ? 'cancelled' : 'failed', error })
        return null
      }
    },
    [client, method],
  )
  const cancel = useCallback(() => controller.current?.abort(), [])
  const reset = useCallback(() => {
    controller.current = null
    setState({ ...NOTHING, status: 'idle' })
  }, [])
  return { ...state, run, cancel, reset }
}
