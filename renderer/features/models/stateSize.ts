import { formatBytes } from '../../ui/format.ts'

/** Keys and values are stored as float16 unless another precision is asked for; a recurrent state as it is computed. */
const STORED_SHARE = 0.5

/** What a stored state of this model weighs: by the token, of fixed size, or both. `stateBytes…` are of float32. */
export function stateSize({
  stateBytesPerToken,
  stateBytesFixed,
}: {
  stateBytesPerToken: number
  stateBytesFixed: number
}): string {
  const parts = [
    stateBytesPerToken > 0 ? `${formatBytes(stateBytesPerToken * STORED_SHARE)} a token` : null,
    stateBytesFixed > 0 ? `${formatBytes(stateBytesFixed)} at any length` : null,
  ].filter(part => part !== null)
  return parts.join(' + ') || 'unknown'
}
