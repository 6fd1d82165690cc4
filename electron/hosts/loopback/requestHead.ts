/** What every server here asks of a request before a byte of its body is read: a clear head, its own address, its token. */
import { hash, timingSafeEqual } from 'node:crypto'
import type { ErrorCode } from '#shared/domain/error.ts'

export interface RequestHead {
  readonly method: string
  readonly url: string
  /** Name, value, name, value …, as they came. */
  readonly rawHeaders: readonly string[]
}

export interface Refusal {
  readonly ok: false
  readonly status: number
  readonly code: ErrorCode
  readonly message: string
  /** Of a method that is not taken: those that are. */
  readonly allow?: string
}

export type Headers = ReadonlyMap<string, string>

/** Headers that decide something here: sent twice, it is unclear which one counts. */
const ONCE = [
  'host',
  'origin',
  'authorization',
  'x-api-key',
  'content-type',
  'content-length',
  'content-encoding',
  'sec-fetch-site',
  'transfer-encoding',
]

export const refuse = (status: number, code: ErrorCode, message: string): Refusal => ({
  ok: false,
  status,
  code,
  message,
})

export interface Address {
  readonly scheme: 'http' | 'https'
  /** Whether a Host header names this server. */
  readonly isOwn: (host: string) => boolean
  /** How a person calls it, for what is said to them. */
  readonly shown: string
  /** What a page elsewhere is told. */
  readonly foreign: string
}

/** Another page in the same browser cannot lie about its Origin, and a rebound DNS name shows in Host. */
export function readHead(
  { url, rawHeaders }: RequestHead,
  address: Address,
): { readonly ok: true; readonly headers: Headers } | Refusal {
  const headers = decidingHeaders(rawHeaders)
  if (headers === null) return refuse(400, 'E_BAD_INPUT', 'A header that may come once came twice.')
  if (!url.startsWith('/') || url.startsWith('//')) return refuse(400, 'E_BAD_INPUT', 'Not a path of this server.')
  const host = headers.get('host') ?? ''
  if (!address.isOwn(host)) return refuse(403, 'E_FORBIDDEN', `The Studio answers only under ${address.shown}.`)
  const from = headers.get('origin')
  if (from !== undefined && from !== `${address.scheme}://${host}`) return refuse(403, 'E_FORBIDDEN', address.foreign)
  return { ok: true, headers }
}

/** Whether a secret that was sent is the right one, in a time that does not depend on where they differ. */
export function tokenCheck(token: string): (sent: string) => boolean {
  const expected = sha256(token)
  return sent => timingSafeEqual(sha256(sent), expected)
}

/** The value of each deciding header, or null when one came more than once. */
function decidingHeaders(rawHeaders: readonly string[]): Headers | null {
  const found = new Map<string, string>()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase()
    if (ONCE.includes(name) && found.has(name)) return null
    found.set(name, rawHeaders[i + 1] ?? '')
  }
  return found
}

function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}
