/** The window's own origin inside Electron: the built page is served from memory under `app://studio/`, never file://. */
import type { CustomScheme } from 'electron'
import type { PageAssets } from '#hosts/loopback/pageAssets.ts'
import { pageHeaders } from '#hosts/loopback/pageHeaders.ts'

export const APP_ORIGIN = 'app://studio'

/** A web origin like any other: no way around the CSP, no service workers, nothing a page on https would not have. */
export const APP_SCHEME = {
  scheme: 'app',
  privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true },
} satisfies CustomScheme

/** True for an address of the Studio's own page and nothing that merely looks like it. */
export function isOwnPage(address: string): boolean {
  if (!URL.canParse(address)) return false
  const { protocol, host, username, password } = new URL(address)
  return protocol === 'app:' && host === 'studio' && username === '' && password === ''
}

/** Answers requests of the window, with the same headers as the loopback host. */
export function createAppHandler(assets: PageAssets): (request: Request) => Response {
  const headers = pageHeaders()
  return request => {
    if (!isOwnPage(request.url)) return new Response('There is no such place.', { status: 404, headers })
    if (request.method !== 'GET' && request.method !== 'HEAD') return new Response(null, { status: 405, headers })
    const asset = assets.find(new URL(request.url).pathname)
    if (asset === null) return new Response('There is no such file.', { status: 404, headers })
    return new Response(asset.bytes, { headers: { ...headers, 'content-type': asset.type } })
  }
}
