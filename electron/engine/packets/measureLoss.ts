import type { CartridgeConfig, StateDtype } from '#shared/domain/cartridge.ts'
import { compareLogits } from '../inference/compareStates.ts'
import type { Runtime } from '../inference/runtime.ts'
import { roundTripState } from '../inference/stateCodec.ts'
import type { StateSnapshot } from '../inference/stateSnapshot.ts'

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
  using stored = await runtime.restore(await roundTripState(snapshot, dtype))
  if (snapshot.recurrent.length === 0) {
    stored.truncate(tokens.length - 1)
    return lossOf(logits, await stored.append([last]))
  }
  using exact = await runtime.restore(snapshot)
  return lossOf(await exact.append([last]), await stored.append([last]))
}

function lossOf(exact: Float32Array, stored: Float32Array): CartridgeConfig['cache']['loss'] {
  const { klBits, maxAbsDiff, sameTop1 } = compareLogits(exact, stored)
  return { klBits, maxAbsDiff, top1: sameTop1 }
}
