/**
 * Decides, from the head of a request alone and before a byte of its body is read, whether it may come in.
 * Only the Studio's own page may call the engine: another page in the same browser cannot know the token, cannot lie
 * about its Origin, and a rebound DNS name shows in Host. No CORS header is ever sent, so nothing is readable either.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { ErrorCode } from '#shared/domain/error.ts'
import { isMethodName } from '#shared/rpc/client.ts'
import { FRAME_TYPE } from '#shared/rpc/codec.ts'

export interface RequestHead {
  readonly method: string
  readonly url: string
  /** Name, value, name, value …, as they came. */
  readonly rawHeaders: readonly string[]
}

export interface GateRules {
  /** The only accepted Host, e.g. `127.0.0.1:41873`. */
  readonly host: string
  readonly token: string
  /** The most body bytes a method may send. */
  readonly bodyLimit: (method: string) => number
}

export type Verdict =
  | { readonly ok: true; readonly route: 'page' | 'health' | 'events' }
  | { readonly ok: true; readonly route: 'rpc'; readonly method: string }
  | { readonly ok: false; readonly status: number; readonly code: ErrorCode; readonly message: string }

/** Headers that decide something here: sent twice, it is unclear which one counts. */
const ONCE = [
  'host',
  'origin',
  'authorization',
  'content-type',
  'content-length',
  'sec-fetch-site',
  'transfer-encoding',
]

const refuse = (status: number, code: ErrorCode, message: string): Verdict => ({ ok: false, status, code, message })
const sha256 = (text: string) => createHash('sha256').update(text).digest()

/** The value of each deciding header, or null when one came more than once. */
function decidingHeaders(rawHeaders: readonly string[]): Map<string, string> | null {
  const found = new Map<string, string>()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase()
    if (ONCE.includes(name) && found.has(name)) return null
    found.set(name, rawHeaders[i + 1] ?? '')
  }
  return found
}

function routeOf(method: string, url: string): Verdict {
  const path = url.split('?', 1)[0] ?? ''
  const reads = method === 'GET' || method === 'HEAD'
  const wrongMethod = refuse(405, 'E_FORBIDDEN', 'This address does not take that HTTP method.')
  if (path.startsWith('/rpc/')) {
    if (method !== 'POST') return wrongMethod
    const name = path.slice('/rpc/'.length)
    return isMethodName(name)
      ? { ok: true, route: 'rpc', method: name }
      : refuse(404, 'E_NOT_FOUND', 'There is no such method.')
  }
  if (path === '/events') return method === 'GET' ? { ok: true, route: 'events' } : wrongMethod
  if (!reads) return wrongMethod
  return { ok: true, route: path === '/health' ? 'health' : 'page' }
}

/** A fresh gate for one server; `rules` are fixed for its life. */
export function createGate(rules: GateRules): (head: RequestHead) => Verdict {
  const origin = `http://${rules.host}`
  const bearer = sha256(`Bearer ${rules.token}`)

  return ({ method, url, rawHeaders }) => {
    const headers = decidingHeaders(rawHeaders)
    if (headers === null) return refuse(400, 'E_BAD_INPUT', 'A header that may come once came twice.')
    if (!url.startsWith('/') || url.startsWith('//')) return refuse(400, 'E_BAD_INPUT', 'Not a path of this server.')
    if (headers.get('host') !== rules.host) {
      return refuse(403, 'E_FORBIDDEN', `The Studio answers only under ${origin}.`)
    }
    const foreign = refuse(403, 'E_FORBIDDEN', 'Only the Studio’s own page may ask this.')
    const from = headers.get('origin')
    if (from !== undefined && from !== origin) return foreign
    const route = routeOf(method, url)
    if (!route.ok) return route
    const isPage = route.route === 'page' || route.route === 'health'
    const site = headers.get('sec-fetch-site')
    if (site !== undefined && site !== 'same-origin' && !(isPage && site === 'none')) return foreign
    if (isPage) return route

    if (!timingSafeEqual(sha256(headers.get('authorization') ?? ''), bearer)) {
      return refuse(
        401,
        'E_UNAUTHORIZED',
        'This window has no valid key. Open the Studio again from where it was started.',
      )
    }
    if (route.route !== 'rpc') return route

    // A browser sends Origin with every POST, and only ever its true one.
    if (from === undefined) return foreign
    if (headers.get('content-type') !== FRAME_TYPE || headers.has('content-encoding')) {
      return refuse(415, 'E_BAD_INPUT', `Only ${FRAME_TYPE} is taken here.`)
    }
    if (Number(headers.get('content-length') ?? 0) > rules.bodyLimit(route.method)) {
      return refuse(413, 'E_TOO_LARGE', 'This is larger than the Studio accepts.')
    }
    return route
  }
}
