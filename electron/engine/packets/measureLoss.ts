import type { CartridgeConfig, StateDtype } from '#shared/domain/cartridge.ts'
import { argmax, logSumExp } from '../inference/logits.ts'
import type { Runtime } from '../inference/runtime.ts'
import type { StateSnapshot } from '../inference/stateSnapshot.ts'
import { roundTrip } from './stateLayers.ts'

/** How far two next-token distributions differ: KL(p || q) in nats, the largest logit difference, the same top token. */
export function logitDifference(p: Float32Array, q: Float32Array): { kl: number; maxAbsDiff: number; top1: boolean } {
  const [totalP, totalQ] = [logSumExp(p), logSumExp(q)]
  let kl = 0
  let maxAbsDiff = 0
  for (const [id, logit] of p.entries()) {
    const other = q[id] ?? 0
    const logP = logit - totalP
    kl += Math.exp(logP) * (logP - (other - totalQ))
    maxAbsDiff = Math.max(maxAbsDiff, Math.abs(logit - other))
  }
  return { kl: Math.max(0, kl), maxAbsDiff, top1: argmax(p) === argmax(q) }
}

/**
 * What storing a state in a lossy dtype does to the model's next word, measured: the last token is read again on the state
 * as it will be restored. For a recurrent state, which cannot be cut back, the last token is read once more after both.
 * null when nothing is lost.
 */
export async function measureLoss(
  runtime: Runtime,
  {
    snapshot,
    tokens,
    logits,
    dtype,
  }: { snapshot: StateSnapshot; tokens: Int32Array; logits: Float32Array | null; dtype: StateDtype },
): Promise<CartridgeConfig['cache']['loss']> {
  const last = tokens.at(-1)
  if (dtype === 'float32' || logits === null || last === undefined) return null
  using stored = await runtime.restore(roundTrip(snapshot, dtype))
  if (snapshot.recurrent.length === 0) {
    stored.truncate(tokens.length - 1)
    return logitDifference(logits, await stored.append([last]))
  }
  using exact = await runtime.restore(snapshot)
  return logitDifference(await exact.append([last]), await stored.append([last]))
}
