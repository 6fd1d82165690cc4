import type { StatePack } from './statePack.ts'

interface ServerEvent {
  readonly event?: string
  readonly data: unknown
}

/** The events of a route that streams, as they come. Whoever stops reading stops the answer. */
export async function* streamEvents(
  server: StatePack,
  { path, body, signal }: { path: string; body: object; signal?: AbortSignal | undefined },
): AsyncGenerator<ServerEvent> {
  const stopped = new AbortController()
  const events: ServerEvent[] = []
  let come = Promise.withResolvers<void>()
  let isOver = false
  const answer = server
    .request(path, body, {
      signal: signal === undefined ? stopped.signal : AbortSignal.any([signal, stopped.signal]),
      onEvent: event => {
        events.push(event)
        come.resolve()
      },
    })
    .finally(() => {
      isOver = true
      come.resolve()
    })
  // Thrown where it is awaited below; whoever stops reading does not hear of it.
  answer.catch(() => {})
  try {
    for (;;) {
      yield* events.splice(0)
      if (events.length > 0) continue
      if (isOver) break
      await come.promise
      come = Promise.withResolvers<void>()
    }
    await answer
  } finally {
    stopped.abort()
  }
}
