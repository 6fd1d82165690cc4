/** Requests from outside the page: a file opened with the Studio, a `statepack://` link, a menu entry. */
import { findBridge } from './bridge.ts'
import type { NamedFile } from './cartridgeInput.ts'

export type OpenRequest =
  /** Open the review sheet on this file. Nothing is imported before a person says so. */
  | { readonly kind: 'review'; readonly file: NamedFile }
  /** Open the review sheet on what a link names; it is fetched only after a person says so. */
  | { readonly kind: 'review-link'; readonly link: string }
  /** Go to a route of the page, as a menu entry asks. */
  | { readonly kind: 'go'; readonly route: string }
  /** Do what a menu entry asks: a command of the table, e.g. `palette`. */
  | { readonly kind: 'command'; readonly command: string }

/** Calls `listener` with every request until the returned function is called. In a plain browser there are none. */
export function onOpenRequest(listener: (request: OpenRequest) => void): () => void {
  const bridge = findBridge()
  if (bridge === null) return () => {}
  return bridge.subscribe('open', message => listener(message.request))
}
