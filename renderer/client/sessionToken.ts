/** The key of this window: in the address at first opening, then in this tab's session storage and nowhere else. */

const KEY = 'statepack.token'
/** In the form of the window's own routes, so that a router that looked before the token was taken goes to its start. */
const FRAGMENT = /^#\/\?token=([A-Za-z0-9_-]{20,100})$/

/** Takes the token out of the address bar, so that it is neither bookmarked nor shown; null when there is none. */
export function takeSessionToken(): string | null {
  const fromAddress = FRAGMENT.exec(location.hash)?.[1]
  if (fromAddress === undefined) return sessionStorage.getItem(KEY)
  sessionStorage.setItem(KEY, fromAddress)
  history.replaceState(history.state, '', location.pathname + location.search)
  return fromAddress
}
