/**
 * One request to an OpenAI-compatible chat endpoint, for the provider benchmark. The key goes into one header of one request
 * to the host the user named: never into an error, a log or a redirect.
 */
import { performance } from 'node:perf_hooks'
import { z } from 'zod'
import { type ErrorCode, StatePackError } from '#shared/domain/error.ts'

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

export interface ChatEndpoint {
  /** Base address (`https://host/v1`) or the full address of chat/completions. */
  readonly endpoint: string
  readonly apiKey: string
  readonly model: string
  readonly fetch?: typeof fetch
  /** Longest wait for one answer; two minutes when not given. */
  readonly timeoutMs?: number
}

export interface ChatAnswer {
  readonly text: string
  readonly inputTokens: number
  /** Of the input tokens: found in the provider's cache. */
  readonly cachedTokens: number
  readonly outputTokens: number
  readonly seconds: number
}

const count = z.number().int().nonnegative()
const answerSchema = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().nullish() }) })).min(1),
  usage: z.object({
    prompt_tokens: count,
    completion_tokens: count,
    prompt_tokens_details: z.object({ cached_tokens: count.nullish() }).nullish(),
  }),
})

const MAX_ANSWER = 4 << 20

/** The address requests go to. Throws `E_BAD_INPUT` when it is none, or when the key would travel unencrypted to another machine. */
export function chatUrl(endpoint: string): URL {
  let url: URL
  try {
    url = new URL(endpoint)
  } catch {
    throw new StatePackError('E_BAD_INPUT', 'The endpoint is not an address.')
  }
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && local)) {
    throw new StatePackError('E_BAD_INPUT', 'The endpoint must use https; http is accepted on this machine only.', {
      host: url.hostname,
    })
  }
  if (url.username !== '' || url.password !== '')
    throw new StatePackError('E_BAD_INPUT', 'The endpoint must not contain a password.')
  if (!url.pathname.endsWith('/chat/completions')) url.pathname = `${url.pathname.replace(/\/+$/, '')}/chat/completions`
  return url
}

/**
 * Sends messages and waits for the answer. Tokens are the provider's own count. Throws `E_UNAUTHORIZED`, `E_BUSY`,
 * `E_NETWORK`, `E_BAD_FORMAT` (no usage in the answer), `E_CANCELLED`.
 */
export async function askEndpoint(
  { endpoint, apiKey, model, fetch: send = fetch, timeoutMs = 120_000 }: ChatEndpoint,
  { messages, maxTokens, signal }: { messages: readonly ChatMessage[]; maxTokens: number; signal?: AbortSignal },
): Promise<ChatAnswer> {
  const url = chatUrl(endpoint)
  if (!/^[\x21-\x7e]+$/.test(apiKey))
    throw new StatePackError('E_BAD_INPUT', 'The key holds characters that no key has.')
  const timeout = AbortSignal.timeout(timeoutMs)
  const began = performance.now()
  let body: string
  let status: number
  try {
    const response = await send(url, {
      method: 'POST',
      redirect: 'error',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages, max_tokens: maxTokens, temperature: 0 }),
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    })
    status = response.status
    body = await readCapped(response)
  } catch (error) {
    if (signal?.aborted) throw new StatePackError('E_CANCELLED', 'Cancelled.')
    if (error instanceof StatePackError) throw error
    // The original error is not passed on: what it says is up to others, and it may say the key.
    const reason = timeout.aborted
      ? `did not answer within ${timeoutMs / 1000} seconds`
      : 'could not be reached, or redirected elsewhere'
    throw new StatePackError('E_NETWORK', `${url.host} ${reason}.`, { host: url.host })
  }
  const seconds = (performance.now() - began) / 1000
  if (status < 200 || status > 299) throw refused({ url, status, body, apiKey })
  const answer = parseAnswer(body)
  if (answer === null) {
    throw new StatePackError(
      'E_BAD_FORMAT',
      `${url.host} did not answer with a chat completion and its usage, so tokens cannot be counted.`,
      { host: url.host },
    )
  }
  const { usage } = answer
  return {
    text: answer.choices[0]?.message.content ?? '',
    inputTokens: usage.prompt_tokens,
    cachedTokens: Math.min(usage.prompt_tokens, usage.prompt_tokens_details?.cached_tokens ?? 0),
    outputTokens: usage.completion_tokens,
    seconds,
  }
}

function parseAnswer(body: string) {
  try {
    return answerSchema.parse(JSON.parse(body))
  } catch {
    return null
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
