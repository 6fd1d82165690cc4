/** Where a window may go, what it may load, and which links may leave it. */
import { APP_ORIGIN, isOwnPage } from './appScheme.ts'

/** Links in cartridge cards are foreign text: this is what a person is asked about before a browser opens. */
export function externalLink(address: string): URL | null {
  if (address.length > 2048 || !URL.canParse(address)) return null
  const url = new URL(address)
  return url.protocol === 'https:' && url.username === '' && url.password === '' && url.hostname !== '' ? url : null
}

export const mayNavigate = isOwnPage

/** The window loads only its own files; what it makes itself (blob, data) stays inside it. */
export function mayLoad(address: string): boolean {
  return isOwnPage(address) || address.startsWith(`blob:${APP_ORIGIN}/`) || address.startsWith('data:image/')
}

/** The page hands files out as blobs of its own making; anything else is not downloaded. */
export function mayDownload(address: string): boolean {
  return address.startsWith(`blob:${APP_ORIGIN}/`)
}
