import { createHttpTransport } from '#shared/rpc/httpTransport.ts'
import type { Fetch } from '#shared/rpc/realm.ts'

/** The page's own transport; Node's fetch sends no Origin, a browser always does. */
export function pageTransport({ origin, token }: { origin: string; token: string }) {
  const asPage: Fetch = (url, { headers, ...request }) =>
    fetch(url, { ...request, headers: request.method === 'POST' ? { ...headers, origin } : headers })
  return createHttpTransport({ origin, token, fetch: asPage, retryMs: 20 })
}
