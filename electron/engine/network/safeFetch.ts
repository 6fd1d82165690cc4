/**
 * The one door to servers that people name and that may name further ones. Redirects are followed by hand, so that what
 * authorises a request goes to the origin it is for and nowhere else; every address is judged when the connection is made.
 */
import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { isIP } from 'node:net'
import type { Agent } from 'undici'
import { StatePackError } from '#shared/domain/error.ts'
import { VERSION } from '../version.ts'
import { innermost, SCOPES, type Scope, scopeOf } from './addressScope.ts'

export interface SafeRequest {
  /** Default GET. Redirects of anything but GET and HEAD are not followed. */
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT'
  readonly headers?: Readonly<Record<string, string>>
  /** Called once for each time it is sent. Its length is told where a `content-length` is given. */
  readonly body?: () => AsyncIterable<Uint8Array>
  /** Goes to the origin that is asked, and not along a redirect to another one. */
  readonly authorization?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** Throws `E_NETWORK` for an address that may not be asked; what `fetch` throws otherwise. */
export type SafeFetch = (url: string | URL, request?: SafeRequest) => Promise<Response>

/** Resolves a name as `dns.lookup` does with `all`; tests give names of their own. */
export type Lookup = typeof systemLookup

const MOST_REDIRECTS = 8
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

export interface SafeFetchOptions {
  readonly lookup?: Lookup | undefined
  /** How near the server itself may be. `public` where a link names it and no person chose it. Default: anywhere. */
  readonly nearest?: Scope | undefined
}

/**
 * `home` is the server that a person chose, wherever it is. Others are reached only no nearer to this machine than it is
 * (a server on the internet leads neither into this network nor to this machine), and without TLS only if it is, too.
 */
export function createSafeFetch(
  home: URL,
  { lookup = systemLookup, nearest = 'never' }: SafeFetchOptions = {},
): SafeFetch {
  const gate = new AddressGate(home, nearest)
  const connect: Agent.Options['connect'] = {
    lookup: (hostname, options, done) =>
      lookup(hostname, { ...options, all: true }, (error, addresses) => {
        if (error !== null) return done(error, '', 0)
        const allowed = addresses.filter(({ address }) => gate.allows(hostname, address, addresses))
        const [first] = allowed
        if (first === undefined) return done(tooNear(home, hostname, nearest), '', 0)
        if (options.all === true) done(null, allowed)
        else done(null, first.address, first.family)
      }),
  }
  let dispatcher: Agent | null = null
  return async (url, { method = 'GET', headers = {}, body, authorization, signal } = {}) => {
    // Not before something is asked: loading it takes as long as a command that asks nobody.
    const { Agent, fetch } = await import('undici')
    dispatcher ??= new Agent({ connect })
    const { origin } = new URL(url)
    let target = new URL(url)
    for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
      requireAllowed(target, { home, gate, nearest })
      const sent: Record<string, string> = {
        ...headers,
        'accept-encoding': 'identity',
        'user-agent': `statepack/${VERSION}`,
      }
      if (authorization !== undefined && target.origin === origin) sent.authorization = authorization
      const response = await fetch(target, {
        ...{ method, headers: sent, dispatcher, redirect: 'manual' as const },
        ...(body === undefined ? {} : { body: body(), duplex: 'half' as const }),
        ...(signal === undefined ? {} : { signal }),
      }).catch(error => {
        throw ownCause(error) ?? error
      })
      const mayFollow = REDIRECTS.has(response.status) && (method === 'GET' || method === 'HEAD')
      const location = mayFollow ? response.headers.get('location') : null
      if (location === null) return response as unknown as Response
      await response.body?.cancel()
      if (!URL.canParse(location, target.href)) throw refused(home, 'it redirects to something that is no address')
      target = new URL(location, target)
    }
    throw refused(home, 'it redirects in circles')
  }
}

/**
 * Remembers how near the chosen server is and where: names that move nearer later (DNS rebinding) are refused. Another name of
 * its own address is no nearer than itself, wherever that is: a gateway that mirrors several hosts is one machine.
 */
class AddressGate {
  readonly #hostname: string
  readonly #own = new Set<string>()
  readonly #nearest: Scope
  #scope: Scope | null

  constructor({ hostname }: URL, nearest: Scope) {
    this.#hostname = hostname
    this.#nearest = nearest
    this.#scope = isIP(bare(hostname)) !== 0 ? scopeOf(bare(hostname)) : isLocalName(hostname) ? 'loopback' : null
  }

  /** `together`: all addresses of the name. */
  allows(hostname: string, address: string, together: readonly LookupAddress[]): boolean {
    if (SCOPES.indexOf(scopeOf(address)) > SCOPES.indexOf(this.#nearest)) return false
    if (hostname === this.#hostname && this.#scope === null) {
      this.#scope = innermost(together.map(one => scopeOf(one.address)))
      for (const one of together) this.#own.add(one.address)
    }
    if (this.#own.has(address)) return true
    const farthest = SCOPES.indexOf(this.#scope ?? 'public')
    const isHome = hostname === this.#hostname
    return SCOPES.indexOf(scopeOf(address)) <= (isHome ? farthest : Math.min(farthest, SCOPES.indexOf('loopback')))
  }
}

function requireAllowed(target: URL, { home, gate, nearest }: { home: URL; gate: AddressGate; nearest: Scope }): void {
  if (target.username !== '' || target.password !== '')
    throw refused(home, 'it redirects to an address with a password')
  if (target.protocol !== 'https:' && !(target.protocol === 'http:' && home.protocol === 'http:')) {
    throw refused(home, `it redirects to ${target.protocol}//, which is not secure`)
  }
  // An address in digits is connected to without being looked up.
  const literal = bare(target.hostname)
  if (isIP(literal) !== 0 && !gate.allows(target.hostname, literal, [])) throw tooNear(home, target.hostname, nearest)
}

/** True for this very machine by its reserved names and addresses (RFC 6761, RFC 5735, RFC 4291). */
export function isLoopback({ hostname }: Pick<URL, 'hostname'>): boolean {
  const literal = bare(hostname)
  return isIP(literal) === 0 ? isLocalName(hostname) : scopeOf(literal) === 'loopback'
}

function isLocalName(hostname: string): boolean {
  return /^(.+\.)?localhost\.?$/.test(hostname)
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '')
}

function ownCause(thrown: unknown): StatePackError | null {
  for (let error = thrown; error instanceof Error; error = error.cause)
    if (error instanceof StatePackError) return error
  return null
}

function tooNear(home: URL, hostname: string, nearest: Scope): StatePackError {
  if (nearest === 'public' && hostname === home.hostname)
    return refused(home, 'it is not on the internet, and only what is there may be named by a link')
  return refused(home, `it leads to ${hostname}, which is nearer to this machine than itself`)
}

function refused(home: URL, what: string): StatePackError {
  return new StatePackError('E_NETWORK', `The server ${home.host} cannot be used: ${what}.`, { host: home.host })
}
