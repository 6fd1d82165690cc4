/** What another precision does to a model's answers, measured on a text. */
import { argmax, logSumExp } from '#engine/inference/logits.ts'
import type { Runtime } from '#engine/inference/runtime.ts'

export interface PrecisionEffect {
  /** Positions compared. */
  readonly tokens: number
  /** Mean over positions of KL(reference ‖ converted), in bits. */
  readonly meanKl: number
  /** Share of positions where both name the same most likely token. */
  readonly top1Agreement: number
  readonly maxLogitDifference: number
}

const CHUNK = 128

/** Both runtimes must be of one model (equal vocabularies). Throws what running throws. */
export async function measurePrecisionEffect(
  reference: Runtime,
  converted: Runtime,
  { tokens, signal }: { readonly tokens: ArrayLike<number>; readonly signal?: AbortSignal },
): Promise<PrecisionEffect> {
  const vocab = reference.model.vocabSize
  using exact = reference.newSession()
  using rounded = converted.newSession()
  let [kl, agreeing, largest] = [0, 0, 0]
  for (let from = 0; from < tokens.length; from += CHUNK) {
    const chunk: number[] = Array.prototype.slice.call(tokens, from, from + CHUNK)
    const expected = await exact.append(chunk, { logits: 'all', signal })
    const found = await rounded.append(chunk, { logits: 'all', signal })
    for (let row = 0; row < expected.length; row += vocab) {
      const [p, q] = [expected.subarray(row, row + vocab), found.subarray(row, row + vocab)]
      kl += divergence(p, q)
      if (argmax(p) === argmax(q)) agreeing += 1
      for (let id = 0; id < vocab; id++) largest = Math.max(largest, Math.abs((p[id] ?? 0) - (q[id] ?? 0)))
    }
  }
  const count = Math.max(tokens.length, 1)
  return { tokens: tokens.length, meanKl: kl / count, top1Agreement: agreeing / count, maxLogitDifference: largest }
}

/** Σ p (log2 p - log2 q) of two rows of logits. */
function divergence(p: Float32Array, q: Float32Array): number {
  const [totalP, totalQ] = [logSumExp(p), logSumExp(q)]
  let sum = 0
  for (let id = 0; id < p.length; id++) {
    const logP = (p[id] ?? 0) - totalP
    sum += Math.exp(logP) * (logP - ((q[id] ?? 0) - totalQ))
  }
  return sum / Math.LN2
}
