/** The only way to the hub: redirects are followed by hand, so that the token goes to the configured host and nowhere else. */
import { StatePackError } from '#shared/domain/error.ts'

export interface HubAccess {
  /** As the settings have it: `https://huggingface.co`, or a mirror. */
  readonly endpoint: string
  readonly token?: string
}

export interface HubRequest {
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** One GET. Throws `E_NETWORK` for what no retry can help; what `fetch` throws otherwise. */
export type HubFetch = (url: string, request?: HubRequest) => Promise<Response>

const MOST_REDIRECTS = 8
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

export function createHubFetch({ endpoint, token }: HubAccess): HubFetch {
  const home = new URL(endpoint)
  // A token in plain text is for everyone on the way: only a hub on this machine gets it without TLS.
  const authorised = token !== undefined && token !== '' && (home.protocol === 'https:' || isLoopback(home))
  return async (url, { headers = {}, signal } = {}) => {
    let target = new URL(url)
    for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
      requireAllowed(target, home)
      const sent = new Headers({ ...headers, 'accept-encoding': 'identity' })
      if (authorised && target.origin === home.origin) sent.set('authorization', `Bearer ${token}`)
      const response = await fetch(target, { headers: sent, redirect: 'manual', signal })
      const location = REDIRECTS.has(response.status) ? response.headers.get('location') : null
      if (location === null) return response
      await response.body?.cancel()
      if (!URL.canParse(location, target.href)) throw refused(home, 'it redirects to something that is no address')
      target = new URL(location, target)
    }
    throw refused(home, 'it redirects in circles')
  }
}

/** A hub on the internet may send us to other hosts there, not to plain text and not to this machine. */
function requireAllowed(target: URL, home: URL): void {
  if (target.username !== '' || target.password !== '')
    throw refused(home, 'it redirects to an address with a password')
  if (target.protocol !== 'https:' && !(target.protocol === 'http:' && home.protocol === 'http:')) {
    throw refused(home, `it redirects to ${target.protocol}//, which is not secure`)
  }
  if (isLoopback(target) && !isLoopback(home)) throw refused(home, 'it redirects to this very machine')
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || /^127\./.test(hostname)
}

function refused(home: URL, what: string): StatePackError {
  return new StatePackError('E_NETWORK', `The hub ${home.host} cannot be used: ${what}.`, { host: home.host })
}
