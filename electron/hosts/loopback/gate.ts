/**
 * Decides, from the head of a request alone and before a byte of its body is read, whether it may come in.
 * Only the Studio's own page may call the engine: another page in the same browser cannot know the token, cannot lie
 * about its Origin, and a rebound DNS name shows in Host. No CORS header is ever sent, so nothing is readable either.
 */
import { isMethodName } from '#shared/rpc/client.ts'
import { FRAME_TYPE } from '#shared/rpc/codec.ts'
import { type Refusal, type RequestHead, readHead, refuse, tokenCheck } from './requestHead.ts'

export interface GateRules {
  /** The only accepted Host, e.g. `127.0.0.1:41873`. */
  readonly host: string
  readonly token: string
  /** The most body bytes a method may send, or (null) an item of an upload. */
  readonly bodyLimit: (method: string | null) => number
}

export type Verdict =
  | { readonly ok: true; readonly route: 'page' | 'health' | 'events' | 'upload' }
  | { readonly ok: true; readonly route: 'rpc'; readonly method: string }
  | Refusal

function routeOf(method: string, url: string): Verdict {
  const path = url.split('?', 1)[0] ?? ''
  const reads = method === 'GET' || method === 'HEAD'
  const only = (allow: string) => ({
    ...refuse(405, 'E_BAD_METHOD', `${path} takes ${allow}, and not ${method}.`),
    allow,
  })
  if (path.startsWith('/rpc/')) {
    if (method !== 'POST') return only('POST')
    const name = path.slice('/rpc/'.length)
    return isMethodName(name)
      ? { ok: true, route: 'rpc', method: name }
      : refuse(404, 'E_NOT_FOUND', 'There is no such method.')
  }
  if (path.startsWith('/uploads/')) return method === 'POST' ? { ok: true, route: 'upload' } : only('POST')
  if (path === '/events') return method === 'GET' ? { ok: true, route: 'events' } : only('GET')
  if (!reads) return only('GET, HEAD')
  return { ok: true, route: path === '/health' ? 'health' : 'page' }
}

/** A fresh gate for one server; `rules` are fixed for its life. */
export function createGate(rules: GateRules): (head: RequestHead) => Verdict {
  const address = {
    scheme: 'http' as const,
    isOwn: (host: string) => host === rules.host,
    shown: `http://${rules.host}`,
    foreign: 'Only the Studio’s own page may ask this.',
  }
  const foreign = refuse(403, 'E_FORBIDDEN', address.foreign)
  const isBearer = tokenCheck(`Bearer ${rules.token}`)

  return requestHead => {
    const { method, url } = requestHead
    const head = readHead(requestHead, address)
    if (!head.ok) return head
    const { headers } = head
    const from = headers.get('origin')
    const route = routeOf(method, url)
    if (!route.ok) return route
    const isPage = route.route === 'page' || route.route === 'health'
    const site = headers.get('sec-fetch-site')
    if (site !== undefined && site !== 'same-origin' && !(isPage && site === 'none')) return foreign
    if (isPage) return route

    if (!isBearer(headers.get('authorization') ?? '')) {
      return refuse(
        401,
        'E_UNAUTHORIZED',
        'This window has no valid key. Open the Studio again from where it was started.',
      )
    }
    if (route.route !== 'rpc' && route.route !== 'upload') return route

    // A browser sends Origin with every POST, and only ever its true one.
    if (from === undefined) return foreign
    if (headers.get('content-type') !== FRAME_TYPE || headers.has('content-encoding')) {
      return refuse(415, 'E_BAD_INPUT', `Only ${FRAME_TYPE} is taken here.`)
    }
    if (Number(headers.get('content-length') ?? 0) > rules.bodyLimit(route.route === 'rpc' ? route.method : null)) {
      return refuse(413, 'E_TOO_LARGE', 'This is larger than the Studio accepts.')
    }
    return route
  }
}
