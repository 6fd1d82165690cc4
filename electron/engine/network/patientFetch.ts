/** A request that waits for a busy server, tries again after a broken connection, and never hangs. */
import { setTimeout as sleep } from 'node:timers/promises'
import { StatePackError } from '#shared/domain/error.ts'
import type { SafeRequest } from './safeFetch.ts'

export interface Patience {
  /** Tries in a row that bring nothing before giving up. */
  readonly attempts: number
  /** The first pause; each next one is twice as long, up to {@link Patience.longestMs}. */
  readonly pauseMs: number
  /** The longest pause, also one that the server asks for. */
  readonly longestMs: number
  /** Silence after which a connection counts as lost. */
  readonly stallMs: number
  /** Silence after which it is reported. */
  readonly noticeMs: number
}

export const PATIENCE: Patience = { attempts: 6, pauseMs: 500, longestMs: 300_000, stallMs: 30_000, noticeMs: 2_000 }

export interface Waiting {
  readonly why: string
  readonly seconds: number | null
}

/** One try. Throws {@link StatePackError} for what no retry can help; what `fetch` throws otherwise. */
export type PatientFetch = (url: string, request?: Omit<SafeRequest, 'authorization'>) => Promise<Response>

export interface FetchOptions extends Pick<SafeRequest, 'method' | 'headers' | 'body'> {
  /** Who is asked, as a person calls it: `The hub`. */
  readonly server: string
  readonly fetch: PatientFetch
  readonly patience: Patience
  readonly signal?: AbortSignal | undefined
  /** Told before each pause, so that people see why nothing moves. */
  readonly onWait?: (waiting: Waiting) => void
}

export interface Connection {
  readonly response: Response
  /** Says that the answer has been read to its end, so that the connection can serve another request. */
  finish(): void
  /** Ends the connection unless it is finished, whatever it is doing. Safe to call twice. */
  stop(): void
}

/**
 * The answer with a status that is final: success, or a refusal that no waiting helps. Throws `E_NETWORK` when the server
 * stays unreachable or busy, `E_CANCELLED`.
 */
export async function patientFetch(url: string, options: FetchOptions): Promise<Connection> {
  const { patience, server, signal, onWait } = options
  for (let failed = 1; ; failed++) {
    signal?.throwIfAborted()
    const found = await tryOnce(url, options)
    const asked = 'response' in found ? retryAfterMs(found.response) : null
    if ('response' in found && !isBusy(found.response.status)) return found
    if ('response' in found) found.stop()
    const why = 'response' in found ? `${server} is busy (${found.response.status})` : found.why
    const cause = 'response' in found ? undefined : found.cause
    if (failed >= patience.attempts) throw networkError(url, why, cause)
    const pause = asked ?? Math.min(patience.pauseMs * 2 ** (failed - 1), patience.longestMs)
    if (pause > patience.longestMs) throw networkError(url, `${why} and asks for ${Math.ceil(pause / 1000)} seconds`)
    onWait?.({ why, seconds: pause / 1000 })
    await sleep(pause, undefined, { signal })
  }
}

type Failure = { readonly why: string; readonly cause: unknown }

async function tryOnce(url: string, options: FetchOptions): Promise<Connection | Failure> {
  const { fetch, method, headers, body, patience, server, signal, onWait } = options
  const controller = new AbortController()
  const stop = () => controller.abort()
  signal?.addEventListener('abort', stop)
  const notice = setTimeout(() => onWait?.({ why: `${server} does not answer`, seconds: null }), patience.noticeMs)
  const timeout = setTimeout(stop, patience.stallMs)
  async function* sending(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      // What moves is not silent, however slow the line is.
      notice.refresh()
      timeout.refresh()
      yield chunk
    }
  }
  try {
    const sent = body === undefined ? {} : { body: () => sending(body()) }
    const response = await fetch(url, { ...{ method, headers, signal: controller.signal }, ...sent })
    const finish = () => signal?.removeEventListener('abort', stop)
    let isFinished = response.body === null
    return {
      response,
      finish: () => {
        isFinished = true
        finish()
      },
      stop: () => {
        finish()
        if (!isFinished) controller.abort()
      },
    }
  } catch (error) {
    signal?.removeEventListener('abort', stop)
    signal?.throwIfAborted()
    if (error instanceof StatePackError) throw error
    return { why: `${server} ${controller.signal.aborted ? 'did not answer' : 'cannot be reached'}`, cause: error }
  } finally {
    clearTimeout(notice)
    clearTimeout(timeout)
  }
}

function isBusy(status: number): boolean {
  return status === 429 || status === 408 || (status >= 500 && status !== 501)
}

/** Milliseconds that `Retry-After` asks for, as seconds or as a date; null without one. */
function retryAfterMs(response: Pick<Response, 'headers'>, now = Date.now()): number | null {
  const value = response.headers.get('retry-after')
  if (value === null) return null
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000
  const date = Date.parse(value)
  return Number.isNaN(date) ? null : Math.max(0, date - now)
}

export function networkError(url: string, why: string, cause?: unknown): StatePackError {
  const { host } = new URL(url)
  return new StatePackError('E_NETWORK', `${why}: ${host}. What has arrived is kept.`, { host }, cause)
}
