import type { CartridgeConfig, StateDtype } from '#shared/domain/cartridge.ts'
import { compareLogits } from '../inference/compareStates.ts'
import type { Runtime } from '../inference/runtime.ts'
import { roundTripState } from '../inference/stateCodec.ts'
import type { StateSnapshot } from '../inference/stateSnapshot.ts'

/** Positions looked at: one alone may be lucky. */
const POSITIONS = 16

/**
 * What storing a state in a lossy dtype does to the model's next words, measured: the last tokens are read again on the state
 * as it will be restored and on the exact one. A recurrent state cannot be cut back: there they are read once more after
 * both. KL is the mean over the positions, the difference of logits the largest, `top1` holds for all. null when nothing is
 * lost.
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
  if (dtype === 'float32' || logits === null || tokens.length === 0) return null
  const canCutBack = snapshot.recurrent.length === 0
  // Reading on needs room in the context of a hybrid.
  const room = canCutBack ? POSITIONS : (runtime.model.contextLength ?? Number.POSITIVE_INFINITY) - tokens.length
  const last = tokens.subarray(-Math.max(1, Math.min(POSITIONS, room)))
  using stored = await runtime.restore(await roundTripState(snapshot, dtype))
  using exact = await runtime.restore(snapshot)
  if (canCutBack) for (const session of [stored, exact]) session.truncate(tokens.length - last.length)
  const [found, expected] = [await stored.append(last, { logits: 'all' }), await exact.append(last, { logits: 'all' })]
  const { vocabSize } = runtime.model
  const rows = Array.from(last, (_, row) => {
    const at = (all: Float32Array) => all.subarray(row * vocabSize, (row + 1) * vocabSize)
    return compareLogits(at(expected), at(found))
  })
  return {
    klBits: rows.reduce((sum, { klBits }) => sum + klBits, 0) / rows.length,
    maxAbsDiff: Math.max(...rows.map(({ maxAbsDiff }) => maxAbsDiff)),
    top1: rows.every(({ sameTop1 }) => sameTop1),
  }
}
