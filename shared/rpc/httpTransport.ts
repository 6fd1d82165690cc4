/** Calls over HTTP to the loopback host: one POST per call with a streamed answer, one long GET for events. */
import { ERROR_CODES, type ErrorCode, StatePackError } from '../domain/error.ts'
import { createFrameReader, encodeFrame, FRAME_TYPE } from './codec.ts'
import type { EventName } from './events.ts'
import { type Abort, type Fetch, type HttpAnswer, realm } from './realm.ts'
import { type Result, settle, unwrap } from './result.ts'
import type { Transport, TransportOptions } from './transport.ts'
import { untilAborted } from './untilAborted.ts'
import { feed } from './upload.ts'
import type { CallFrame, EventFrame, UploadFrame } from './wire.ts'

export interface HttpTransportOptions {
  /** `http://127.0.0.1:PORT`; the page's own origin in a browser. */
  readonly origin: string
  readonly token: string
  readonly fetch?: Fetch
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

/** The call that an upload belonged to has ended. */
const isOver = (error: unknown) => error instanceof StatePackError && error.code === 'E_NOT_FOUND'

/** Reads a refusal (`{error:{code,message}}`) into the error it states. */
async function refusalOf(response: HttpAnswer): Promise<StatePackError> {
  const body: unknown = await response.json().catch(() => null)
  const error = (body as { error?: { code?: unknown; message?: unknown } } | null)?.error
  if (typeof error?.message !== 'string')
    return new StatePackError('E_INTERNAL', `The Studio answered ${response.status}.`)
  const code = Object.keys(ERROR_CODES).find((known): known is ErrorCode => known === error.code)
  return new StatePackError(code ?? 'E_INTERNAL', error.message)
}

/** Every frame of a streamed answer. */
async function* framesOf<F>(response: HttpAnswer): AsyncGenerator<F> {
  const reader = createFrameReader(MAX_FRAME)
  const source = response.body?.getReader()
  if (source === undefined) return
  try {
    for (;;) {
      const { done, value } = await source.read()
      if (done || value === undefined) return
      for (const frame of reader.push(value)) yield frame as F
    }
  } finally {
    source.cancel().catch(() => {})
  }
}

export function createHttpTransport(options: HttpTransportOptions): Transport & { close(): void } {
  const { origin, token, retryMs = 500 } = options
  const request = options.fetch ?? realm.fetch.bind(globalThis)
  const authorization = `Bearer ${token}`
  const listeners = new Set<(name: EventName, data: unknown) => void>()
  let stream: Abort | null = null

  const tell = (name: EventName, data: unknown) => {
    for (const listener of [...listeners]) listener(name, data)
  }

  const headers = { authorization, 'content-type': FRAME_TYPE }

  /** A browser cannot send a body while it makes it: the items of an upload are requests of their own, one after the other. */
  async function sendItem(upload: string, frame: UploadFrame, signal: AbortSignal): Promise<void> {
    const url = `${origin}/uploads/${upload}`
    const response = await request(url, { method: 'POST', headers, body: encodeFrame(frame), signal })
    if (!response.ok) throw await refusalOf(response)
  }

  async function call(method: string, input: unknown, callOptions: TransportOptions): Promise<unknown> {
    const { signal, onProgress, onItem, upload } = callOptions
    signal?.throwIfAborted()
    const own = new realm.AbortController()
    const abort = () => own.abort()
    signal?.addEventListener('abort', abort, { once: true })
    const uploadId = upload === undefined ? null : realm.crypto.randomUUID()
    const feeding =
      upload === undefined || uploadId === null ? null : feed(upload, item => sendItem(uploadId, { item }, own.signal))
    /** What is to blame when this side ended the call. */
    let failure: { readonly error: unknown } | null = null
    const fail = (error: unknown) => {
      failure ??= { error }
      own.abort()
    }
    let result: Result<unknown> | null = null
    const begin = async () => {
      if ((await feeding?.run()) === true && uploadId !== null) await sendItem(uploadId, { end: true }, own.signal)
    }
    try {
      const query = uploadId === null ? '' : `?upload=${uploadId}`
      const response = await request(`${origin}/rpc/${method}${query}`, {
        method: 'POST',
        headers,
        body: encodeFrame(input),
        signal: own.signal,
      })
      if (!response.ok) throw await refusalOf(response)
      for await (const frame of framesOf<CallFrame>(response)) {
        if (frame.kind === 'progress') onProgress?.(frame.progress)
        else if (frame.kind === 'item') await untilAborted(own.signal, read(frame.item))
        else if (frame.kind === 'result') result = frame.result
        // An upload that is refused because the call is over already says nothing that its result does not.
        else if (frame.kind === 'open') begin().catch(error => result === null && !isOver(error) && fail(error))
      }
    } catch (thrown) {
      const { error } = (failure as { readonly error: unknown } | null) ?? { error: thrown }
      if (signal?.aborted) throw new StatePackError('E_CANCELLED', 'Cancelled.', {}, error)
      if (failure !== null || error instanceof StatePackError) throw error
      throw unreachable(error)
    } finally {
      feeding?.stop()
      own.abort()
      signal?.removeEventListener('abort', abort)
    }
    if (result === null) throw unreachable(null)
    return unwrap(result)

    async function read(item: unknown): Promise<void> {
      try {
        await onItem?.(item)
      } catch (error) {
        fail(error)
        throw error
      }
    }
  }

  /** One connection: ends when the host does, or falls silent. */
  async function listen(signal: AbortSignal, isAgain: boolean): Promise<void> {
    const silence = new realm.AbortController()
    const silent = () => silence.abort()
    signal.addEventListener('abort', silent, { once: true })
    let timer = realm.setTimeout(silent, SILENCE_MS)
    try {
      const response = await request(`${origin}/events`, { headers: { authorization }, signal: silence.signal })
      if (!response.ok) throw await refusalOf(response)
      if (isAgain) {
        // What happened while nobody listened is unknown: everything is read again.
        tell('library.changed', { packetIds: [] })
        for (const name of ['models.changed', 'savings.changed', 'settings.changed'] as const) tell(name, {})
      }
      for await (const frame of framesOf<EventFrame>(response)) {
        realm.clearTimeout(timer)
        timer = realm.setTimeout(silent, SILENCE_MS)
        if (frame.kind === 'event') tell(frame.name, frame.data)
      }
    } finally {
      realm.clearTimeout(timer)
      signal.removeEventListener('abort', silent)
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
      await new Promise<void>(resolve => realm.setTimeout(resolve, pause))
      pause = Math.min(pause * 2, retryMs * 10)
    }
  }

  return {
    call: (method, input, callOptions) => settle(() => call(method, input, callOptions)),
    subscribe(listener) {
      const own = (name: EventName, data: unknown) => listener(name, data)
      listeners.add(own)
      if (stream === null) {
        stream = new realm.AbortController()
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
