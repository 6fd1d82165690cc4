/**
 * One request to an OpenAI-compatible chat endpoint, for the provider benchmark. The key goes into one header of one request
 * to the host the user named: never into an error, a log or a redirect.
 */
import { performance } from 'node:perf_hooks'
import { type ErrorCode, StatePackError } from '#shared/domain/error.ts'
import { createSafeFetch, isLoopback, type SafeFetch } from '../network/safeFetch.ts'
import { type ParsedAnswer, parseChatAnswer } from './chatAnswer.ts'
import { type ChatDialect, dialectFields, learnDialect, USUAL_DIALECT } from './chatDialect.ts'

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

export interface ChatEndpoint {
  /** Base address (`https://host/v1`, `localhost:8080/v1`) or the full address of chat/completions. */
  readonly endpoint: string
  /** Empty for a server that wants none: then no authorization is sent. */
  readonly apiKey: string
  readonly model: string
  /** One for the requests of a run, so that they share a connection. */
  readonly fetch?: SafeFetch
}

export interface ChatAnswer extends ParsedAnswer {
  readonly seconds: number
  /** What this server takes: give it to the next request. */
  readonly dialect: ChatDialect
}

const MAX_ANSWER = 4 << 20
/** Longest wait for one answer. */
const LONGEST_MS = 120_000

/**
 * The address requests go to, with `base` before the usual path where it has no path of its own. Throws `E_BAD_INPUT` when it
 * is none, or when the key would travel unencrypted to another machine.
 */
export function chatUrl(endpoint: string, base: ChatDialect['base'] = ''): URL {
  const url = addressOf(endpoint.trim())
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url))) {
    throw new StatePackError('E_BAD_INPUT', 'The endpoint must use https; http is accepted on this machine only.', {
      host: url.hostname,
    })
  }
  if (url.username !== '' || url.password !== '')
    throw new StatePackError('E_BAD_INPUT', 'The endpoint must not contain a password.')
  url.hash = ''
  url.pathname = url.pathname.replace(/\/+$/, '')
  if (url.pathname === '/') url.pathname = base
  if (!url.pathname.endsWith('/chat/completions')) url.pathname = `${url.pathname.replace(/\/+$/, '')}/chat/completions`
  return url
}

/** An address as typed; without a scheme it is https, or http when it names this machine. */
function addressOf(endpoint: string): URL {
  try {
    if (/^[a-z][a-z\d+.-]*:\/\//i.test(endpoint)) return new URL(endpoint)
    const bare = new URL(`http://${endpoint}`)
    return isLoopback(bare) ? bare : new URL(`https://${endpoint}`)
  } catch {
    throw new StatePackError('E_BAD_INPUT', 'The endpoint is not an address.')
  }
}

/**
 * Sends messages and waits for the answer, again with other fields where the server refuses those (a refusal is not
 * billed). Tokens are the provider's own count. Throws `E_UNAUTHORIZED`, `E_BUSY`, `E_NETWORK`, `E_BAD_FORMAT` (no usage in
 * the answer), `E_CANCELLED`.
 */
export async function askEndpoint(
  endpoint: ChatEndpoint,
  request: {
    messages: readonly ChatMessage[]
    maxTokens: number
    dialect?: ChatDialect | undefined
    signal?: AbortSignal | undefined
  },
): Promise<ChatAnswer> {
  const { model } = endpoint
  const apiKey = endpoint.apiKey.trim()
  if (!/^[\x21-\x7e]*$/.test(apiKey))
    throw new StatePackError('E_BAD_INPUT', 'The key holds characters that no key has.')
  const { messages, maxTokens, signal } = request
  const tried: ChatDialect[] = []
  let dialect = request.dialect ?? USUAL_DIALECT
  for (;;) {
    const body = JSON.stringify({ model, messages, ...dialectFields(dialect, maxTokens) })
    const url = chatUrl(endpoint.endpoint, dialect.base)
    const reply = await post({ ...endpoint, apiKey }, { url, body, signal })
    if (reply.status < 200 || reply.status > 299) {
      tried.push(dialect)
      const next = learnDialect(dialect, { ...reply, tried })
      // The path of an address that has one is what its owner meant.
      if (next === null || (chatUrl(endpoint.endpoint, next.base).href === url.href && next.base !== dialect.base))
        throw refused({ url, ...reply, apiKey })
      dialect = next
      continue
    }
    const answer = parseChatAnswer(reply.body)
    if (answer !== null) return { ...answer, seconds: reply.seconds, dialect }
    throw new StatePackError(
      'E_BAD_FORMAT',
      `${url.host} did not answer with a chat completion and its usage, so tokens cannot be counted.`,
      { host: url.host },
    )
  }
}

/** A redirect is not followed: what has a key and a price goes where it was meant to go, or nowhere. */
async function post(
  { apiKey, fetch }: ChatEndpoint,
  { url, body, signal }: { url: URL; body: string; signal: AbortSignal | undefined },
): Promise<{ status: number; body: string; seconds: number }> {
  const timeout = AbortSignal.timeout(LONGEST_MS)
  const bytes = new TextEncoder().encode(body)
  const began = performance.now()
  try {
    const response = await (fetch ?? createSafeFetch(url))(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': String(bytes.length) },
      authorization: apiKey === '' ? undefined : `Bearer ${apiKey}`,
      body: async function* () {
        yield bytes
      },
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    })
    const text = await readCapped(response)
    return { status: response.status, body: text, seconds: (performance.now() - began) / 1000 }
  } catch (error) {
    if (signal?.aborted) throw new StatePackError('E_CANCELLED', 'Cancelled.')
    if (error instanceof StatePackError) throw error
    // The original error is not passed on: what it says is up to others, and it may say the key.
    const reason = timeout.aborted ? `did not answer within ${LONGEST_MS / 1000} seconds` : 'could not be reached'
    throw new StatePackError('E_NETWORK', `${url.host} ${reason}.`, { host: url.host })
  }
}

function refused({
  url,
  status,
  body,
  apiKey,
}: {
  url: URL
  status: number
  body: string
  apiKey: string
}): StatePackError {
  const code: ErrorCode = status === 401 || status === 403 ? 'E_UNAUTHORIZED' : status === 429 ? 'E_BUSY' : 'E_NETWORK'
  // A server may echo what it was sent, or part of it: anything that shares a stretch with the key is dropped whole.
  const said = sharesStretch(body, apiKey) ? '' : body.replace(/\s+/g, ' ').slice(0, 200)
  return new StatePackError(code, `${url.host} answered ${status}${said === '' ? '' : `: ${said}`}`, {
    host: url.host,
    status,
  })
}

/** True when eight or more characters in a row (or all of a shorter key) stand in the text. */
function sharesStretch(text: string, key: string): boolean {
  if (key === '') return false
  const length = Math.min(8, key.length)
  for (let at = 0; at + length <= key.length; at++) if (text.includes(key.slice(at, at + length))) return true
  return false
}

async function readCapped(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > MAX_ANSWER) throw new StatePackError('E_TOO_LARGE', 'The endpoint answered with more than 4 MiB.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
