import { useCallback, useEffect, useRef, useState } from 'react'
import type { Input, Output } from '#shared/rpc/client.ts'
import type { MethodName } from '#shared/rpc/contract.ts'
import type { EventName } from '#shared/rpc/events.ts'
import { useClient } from './studio.ts'

export interface Query<T> {
  /** The last answer; kept on screen while a newer one is on its way. */
  readonly data: T | null
  readonly error: unknown
  readonly loading: boolean
  readonly reload: () => void
}

/**
 * Reads something and reads it again when `input` changes or one of `events` arrives, so that two windows stay in step.
 * `input` null: nothing to read yet. Superseded calls are aborted. For reads only; what changes something is a useTask.
 */
export function useQuery<M extends MethodName>(
  method: M,
  input: Input<M> | null,
  events: readonly EventName[] = [],
): Query<Output<M>> {
  const client = useClient()
  const [data, setData] = useState<Output<M> | null>(null)
  const [error, setError] = useState<unknown>(null)
  const [loading, setLoading] = useState(input !== null)
  const [round, setRound] = useState(0)
  const key = input === null ? null : JSON.stringify(input)
  const latest = useRef(input)
  latest.current = input

  const reload = useCallback(() => setRound(n => n + 1), [])

  // biome-ignore lint/correctness/useExhaustiveDependencies: `round` asks for a new read, `key` stands for the input
  useEffect(() => {
    const current = latest.current
    if (key === null || current === null) {
      setData(null)
      setLoading(false)
      return
    }
    const controller = new AbortController()
    setLoading(true)
    client.call(method, current, { signal: controller.signal }).then(
      answer => {
        if (controller.signal.aborted) return
        setData(answer)
        setError(null)
        setLoading(false)
      },
      failure => {
        if (controller.signal.aborted) return
        setError(failure)
        setLoading(false)
      },
    )
    return () => controller.abort()
  }, [client, method, key, round])

  const watched = [...events, 'engine.status' as const].join(' ')
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const soon = () => {
      clearTimeout(timer)
      timer = setTimeout(reload, 60)
    }
    const stops = (watched.split(' ') as EventName[]).map(event =>
      client.on(event, detail => {
        if (event !== 'engine.status' || ('state' in detail && detail.state === 'ready')) soon()
      }),
    )
    return () => {
      clearTimeout(timer)
      for (const stop of stops) stop()
    }
  }, [client, watched, reload])

  return { data, error, loading, reload }
}
