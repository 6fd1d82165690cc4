/** RFC 6962 section 2.1 as its text defines it, recursion and all: the independent reference for the log's tree. */
import { createHash } from 'node:crypto'

const sha = (...parts: (Uint8Array | string)[]) => {
  const h = createHash('sha256')
  for (const part of parts) h.update(part)
  return h.digest()
}

/** MTH(D[n]) over the raw leaf data. */
export function mth(data: readonly Uint8Array[]): Buffer {
  const n = data.length
  if (n === 0) return sha('')
  if (n === 1) return sha(Buffer.from([0]), data[0] ?? '')
  const k = largestPowerBelow(n)
  return sha(Buffer.from([1]), mth(data.slice(0, k)), mth(data.slice(k)))
}

/** PATH(m, D[n]). */
export function path(m: number, data: readonly Uint8Array[]): Buffer[] {
  const n = data.length
  if (n <= 1) return []
  const k = largestPowerBelow(n)
  return m < k
    ? [...path(m, data.slice(0, k)), mth(data.slice(k))]
    : [...path(m - k, data.slice(k)), mth(data.slice(0, k))]
}

/** PROOF(m, D[n]). */
export function proof(m: number, data: readonly Uint8Array[]): Buffer[] {
  return sub(m, data, true)
}

function sub(m: number, data: readonly Uint8Array[], b: boolean): Buffer[] {
  const n = data.length
  if (m === n) return b ? [] : [mth(data)]
  const k = largestPowerBelow(n)
  return m <= k
    ? [...sub(m, data.slice(0, k), b), mth(data.slice(k))]
    : [...sub(m - k, data.slice(k), false), mth(data.slice(0, k))]
}

function largestPowerBelow(n: number): number {
  return 2 ** (Math.ceil(Math.log2(n)) - 1)
}
