/** Reading one row of logits. All sums are in float64, ties go to the lower token id: the same row, the same answer. */

/** The most likely tokens at one position and how surprising the token that came was. */
export interface TokenTrace {
  /** Most likely first. */
  readonly ids: Int32Array
  /** Natural-log probabilities of `ids`. */
  readonly logProbs: Float32Array
  /** `-log2 p` of the token that came: its information content, the basis of entropy pricing. */
  readonly surprisalBits: number
}

export function argmax(logits: Float32Array): number {
  let best = 0
  for (let id = 1; id < logits.length; id++) {
    if ((logits[id] ?? 0) > (logits[best] ?? 0)) best = id
  }
  return best
}

/** log Σ exp(logits), shifted by the maximum so that nothing overflows. */
export function logSumExp(logits: Float32Array): number {
  const max = logits[argmax(logits)] ?? 0
  let sum = 0
  for (const logit of logits) sum += Math.exp(logit - max)
  return max + Math.log(sum)
}

/** Ids of the `k` largest logits, largest first. */
export function topIds(logits: Float32Array, k: number): number[] {
  const kept: number[] = []
  const value = (id: number | undefined) => (id === undefined ? Number.NEGATIVE_INFINITY : (logits[id] ?? 0))
  for (let id = 0; id < logits.length; id++) {
    if (kept.length >= k && value(id) <= value(kept.at(-1))) continue
    let at = kept.length
    while (at > 0 && value(kept[at - 1]) < value(id)) at--
    kept.splice(at, 0, id)
    if (kept.length > k) kept.pop()
  }
  return kept
}

/** What the model expected at a position and how surprising `token` was there. */
export function traceToken(logits: Float32Array, token: number, k: number): TokenTrace {
  const total = logSumExp(logits)
  const ids = topIds(logits, k)
  return {
    ids: Int32Array.from(ids),
    logProbs: Float32Array.from(ids, id => (logits[id] ?? 0) - total),
    surprisalBits: (total - (logits[token] ?? 0)) / Math.LN2,
  }
}
