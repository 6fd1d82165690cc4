import type { CartridgeConfig, StateDtype } from '#shared/domain/cartridge.ts'
import { compareLogits } from '../inference/compareStates.ts'
import type { Runtime } from '../inference/runtime.ts'
import type { Session } from '../inference/session.ts'
import { roundTripState } from '../inference/stateCodec.ts'
import type { StateSnapshot } from '../inference/stateSnapshot.ts'

/** Positions looked at: one alone may be lucky. */
const POSITIONS = 16

/**
 * What storing a state in a lossy dtype does to the model's next words, measured: the last tokens are read again on the state
 * as it will be restored and on the exact one. A recurrent state cannot be cut back: there they are read once more after
 * both. KL is the mean over the positions, the difference of logits the largest, `top1` holds for all. null when nothing is
 * lost. Ends `exact`, the session that read the state, whose buffers the stored state then takes: there is never a second
 * copy of the whole state.
 */
export async function measureLoss(
  runtime: Runtime,
  {
    exact,
    snapshot,
    tokens,
    logits,
    dtype,
  }: {
    exact: Session
    snapshot: StateSnapshot
    tokens: Int32Array
    logits: Float32Array | null
    dtype: StateDtype
  },
): Promise<CartridgeConfig['cache']['loss']> {
  if (dtype === 'float32' || logits === null || tokens.length === 0) return null
  const canCutBack = snapshot.recurrent.length === 0
  // Reading on needs room in the context of a hybrid.
  const room = canCutBack ? POSITIONS : (runtime.model.contextLength ?? Number.POSITIVE_INFINITY) - tokens.length
  const last = tokens.subarray(-Math.max(1, Math.min(POSITIONS, room)))
  const readAgain = (session: Session) => {
    if (canCutBack) session.truncate(tokens.length - last.length)
    return session.append(last, { logits: 'all' })
  }
  const expected = await readAgain(exact)
  exact.dispose()
  using stored = await runtime.restore(await roundTripState(snapshot, dtype))
  const found = await readAgain(stored)
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
