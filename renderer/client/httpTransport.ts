/** Calls over HTTP to the loopback host: one POST per call with a streamed answer, one long GET for events. */
import { ERROR_CODES, type ErrorCode, StatePackError } from '#shared/domain/error.ts'
import { createFrameReader, encodeFrame, FRAME_TYPE } from '#shared/rpc/codec.ts'
import type { EventName } from '#shared/rpc/events.ts'
import { type Result, settle, unwrap } from '#shared/rpc/result.ts'
import type { Transport } from '#shared/rpc/transport.ts'
import type { CallFrame, EventFrame } from '#shared/rpc/wire.ts'

export interface HttpTransportOptions {
  /** `http://127.0.0.1:PORT`; the page's own origin in a browser. */
  readonly origin: string
  readonly token: string
  readonly fetch?: typeof fetch
  /** Pause before the event stream is opened again, milliseconds; doubles up to ten times this. */
  readonly retryMs?: number
}

const MAX_FRAME = 2 ** 31
/** The host says it is alive every ten seconds; three misses are a dead connection. */
const SILENCE_MS = 30_000

const unreachable = (cause: unknown) =>
  new StatePackError(
    'E_ENGINE_DOWN',
    'The Studio does not answer: the program behind this window has ended.',
    {},
    cause,
  )

/** Reads a refusal (`{error:{code,message}}`) into the error it states. */
async function refusalOf(response: Response): Promise<StatePackError> {
  const body: unknown = await response.json().catch(() => null)
  const error = (body as { error?: { code?: unknown; message?: unknown } } | null)?.error
  if (typeof error?.message !== 'string')
    return new StatePackError('E_INTERNAL', `The Studio answered ${response.status}.`)
  const code = Object.keys(ERROR_CODES).find((known): known is ErrorCode => known === error.code)
  return new StatePackError(code ?? 'E_INTERNAL', error.message)
}

/** Every frame of a streamed answer. */
async function* framesOf<F>(response: Response): AsyncGenerator<F> {
  const reader = createFrameReader(MAX_FRAME)
  const source = response.body?.getReader()
  if (source === undefined) return
  try {
    for (;;) {
      const { done, value } = await source.read()
      if (done) return
      for (const frame of reader.push(value)) yield frame as F
    }
  } finally {
    source.cancel().catch(() => {})
  }
}

export function createHttpTransport(options: HttpTransportOptions): Transport & { close(): void } {
  const { origin, token, retryMs = 500 } = options
  const request = options.fetch ?? fetch.bind(globalThis)
  const authorization = `Bearer ${token}`
  const listeners = new Set<(name: EventName, data: unknown) => void>()
  let stream: AbortController | null = null

  const tell = (name: EventName, data: unknown) => {
    for (const listener of [...listeners]) listener(name, data)
  }

  async function call(method: string, input: unknown, callOptions: Parameters<Transport['call']>[2]): Promise<unknown> {
    const { signal, onProgress } = callOptions
    let result: Result<unknown> | null = null
    try {
      const response = await request(`${origin}/rpc/${method}`, {
        method: 'POST',
        headers: { authorization, 'content-type': FRAME_TYPE },
        body: encodeFrame(input),
        signal,
      })
      if (!response.ok) throw await refusalOf(response)
      for await (const frame of framesOf<CallFrame>(response)) {
        if (frame.kind === 'progress') onProgress?.(frame.progress)
        else result = frame.result
      }
    } catch (thrown) {
      if (thrown instanceof StatePackError) throw thrown
      if (signal?.aborted) throw new StatePackError('E_CANCELLED', 'Cancelled.', {}, thrown)
      throw unreachable(thrown)
    }
    if (result === null) throw unreachable(null)
    return unwrap(result)
  }

  /** One connection: ends when the host does, or falls silent. */
  async function listen(signal: AbortSignal, isAgain: boolean): Promise<void> {
    const silence = new AbortController()
    let timer = setTimeout(() => silence.abort(), SILENCE_MS)
    try {
      const response = await request(`${origin}/events`, {
        headers: { authorization },
        signal: AbortSignal.any([signal, silence.signal]),
      })
      if (!response.ok) throw await refusalOf(response)
      if (isAgain) {
        // What happened while nobody listened is unknown: everything is read again.
        tell('library.changed', { packetIds: [] })
        for (const name of ['models.changed', 'savings.changed', 'settings.changed'] as const) tell(name, {})
      }
      for await (const frame of framesOf<EventFrame>(response)) {
        clearTimeout(timer)
        timer = setTimeout(() => silence.abort(), SILENCE_MS)
        if (frame.kind === 'event') tell(frame.name, frame.data)
      }
    } finally {
      clearTimeout(timer)
    }
  }

  async function keepListening(signal: AbortSignal): Promise<void> {
    let pause = retryMs
    for (let attempt = 0; !signal.aborted; attempt++) {
      const problem = await listen(signal, attempt > 0).then(
        () => null,
        (thrown: unknown) => thrown,
      )
      if (signal.aborted) return
      if (problem === null) pause = retryMs
      const known = problem instanceof StatePackError ? problem : unreachable(problem)
      tell('engine.status', { state: 'failed', reason: known.message })
      if (known.code === 'E_UNAUTHORIZED') return
      await new Promise(resolve => setTimeout(resolve, pause))
      pause = Math.min(pause * 2, retryMs * 10)
    }
  }

  return {
    call: (method, input, callOptions) => settle(() => call(method, input, callOptions)),
    subscribe(listener) {
      const own = (name: EventName, data: unknown) => listener(name, data)
      listeners.add(own)
      if (stream === null) {
        stream = new AbortController()
        void keepListening(stream.signal)
      }
      return () => {
        listeners.delete(own)
        if (listeners.size > 0) return
        stream?.abort()
        stream = null
      }
    },
    close() {
      listeners.clear()
      stream?.abort()
      stream = null
    },
  }
}
