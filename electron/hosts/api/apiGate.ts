/** Who may call the API: whoever knows the token, under the server's own address, from no foreign page. */
import { isIP } from 'node:net'
import { type Refusal, type RequestHead, readHead, refuse, tokenCheck } from '../loopback/requestHead.ts'

export interface ApiGateRules {
  readonly scheme: 'http' | 'https'
  readonly token: string
  /** What it listens on, as it was given: `127.0.0.1`, `0.0.0.0`, a name. */
  readonly host: string
  readonly port: number
  readonly bodyLimit: number
}

const OPEN = new Set(['/health', '/openapi.json'])
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]'])

/** OpenAI's clients send the token as a bearer, Anthropic's as `x-api-key`. */
export function createApiGate(rules: ApiGateRules): (head: RequestHead) => { readonly ok: true } | Refusal {
  const isToken = tokenCheck(rules.token)
  const address = {
    scheme: rules.scheme,
    isOwn: hostCheck(rules),
    shown: `${rules.scheme}://${rules.host}:${rules.port}`,
    foreign: 'A web page may not call this server.',
  }
  return requestHead => {
    const head = readHead(requestHead, address)
    if (!head.ok) return head
    const { headers } = head
    const site = headers.get('sec-fetch-site')
    if (site !== undefined && site !== 'same-origin' && site !== 'none')
      return refuse(403, 'E_FORBIDDEN', address.foreign)
    const path = requestHead.url.split('?', 1)[0] ?? ''
    const [, bearer = ''] = /^Bearer +(\S+)$/i.exec(headers.get('authorization') ?? '') ?? []
    const isKnown = isToken(bearer) || isToken(headers.get('x-api-key') ?? '')
    if (!isKnown && !isOpen(requestHead.method, path))
      return refuse(401, 'E_UNAUTHORIZED', 'Send the server’s token: Authorization: Bearer <token>.')
    if ((headers.get('content-encoding') ?? 'identity').toLowerCase() !== 'identity')
      return refuse(415, 'E_BAD_INPUT', 'Send the body as it is, not compressed.')
    if (Number(headers.get('content-length') ?? 0) > rules.bodyLimit)
      return refuse(413, 'E_TOO_LARGE', `A request may have ${rules.bodyLimit} bytes.`)
    return { ok: true }
  }
}

/** Answered to anyone who may reach the server at all: neither says anything of what is stored. */
export function isOpen(method: string, path: string): boolean {
  return ['GET', 'HEAD'].includes(method.toUpperCase()) && OPEN.has(path)
}

/**
 * On the loopback address its usual names. On the network also every address written in numbers, which no rebound name can
 * be, and the name it was told to listen on.
 */
function hostCheck({ host, port, scheme }: ApiGateRules): (header: string) => boolean {
  const isLocal = LOOPBACK.has(host) || host === '::1'
  const usual = scheme === 'https' ? 443 : 80
  return header => {
    const [, name = '', given] = /^(\[[0-9a-f:.]+\]|[^:@/\s]+)(?::(\d+))?$/i.exec(header.toLowerCase()) ?? []
    if (Number(given ?? usual) !== port) return false
    if (LOOPBACK.has(name) || name === host.toLowerCase()) return true
    return !isLocal && isIP(name.replace(/^\[|\]$/g, '')) !== 0
  }
}
