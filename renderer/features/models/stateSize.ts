import { formatBytes } from '../../ui/format.ts'

/** What a state of this model weighs: by the token, of fixed size, or both. */
export function stateSize({
  stateBytesPerToken,
  stateBytesFixed,
}: {
  stateBytesPerToken: number
  stateBytesFixed: number
}): string {
  const parts = [
    stateBytesPerToken > 0 ? `${formatBytes(stateBytesPerToken)} a token` : null,
    stateBytesFixed > 0 ? `${formatBytes(stateBytesFixed)} at any length` : null,
  ].filter(part => part !== null)
  return parts.join(' + ') || 'unknown'
}
