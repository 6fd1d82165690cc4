import type { CartridgeConfig, StateDtype } from '#shared/domain/cartridge.ts'
import { compareLogits } from '../inference/compareStates.ts'
import type { Runtime } from '../inference/runtime.ts'
import type { Session } from '../inference/session.ts'
import type { StateSnapshot } from '../inference/stateSnapshot.ts'
import { settledState } from './settledState.ts'
import type { EncodedState } from './stateEncoder.ts'

/** Positions looked at: one alone may be lucky. */
const POSITIONS = 16

/** Tokens at the beginning of a state that measuring does not read again, where keys and values can be cut back. */
export function tokensLeft(tokens: number, dtype: StateDtype): number {
  return dtype === 'float32' ? tokens : Math.max(0, tokens - POSITIONS)
}

export interface Measured {
  readonly loss: CartridgeConfig['cache']['loss']
  /** How many measuring ran. */
  readonly tokens: number
  /** The state as it will be restored. */
  readonly stored: StateSnapshot
}

/**
 * What storing a state in a lossy dtype does to the model's next words, measured: the last tokens are read again on the state
 * as it will be restored and on the exact one. A recurrent state cannot be cut back: there they are read once more after
 * both. KL is the mean over the positions, the difference of logits the largest, `top1` holds for all. null when nothing is
 * lost. Afterwards `exact`, the session that read the state, goes on from the stored one, or has ended and its buffers have that:
 * there is never a second copy of the whole state.
 */
export async function measureLoss(
  runtime: Runtime,
  {
    exact,
    stored,
    tokens,
    logits,
    dtype,
  }: {
    exact: Session
    /** The state as it will be restored; blocks up to {@link tokensLeft} may be with the session alone. */
    stored: EncodedState['stored']
    tokens: Int32Array
    logits: Float32Array | null
    dtype: StateDtype
  },
): Promise<Measured> {
  if (dtype === 'float32' || logits === null || tokens.length === 0)
    return { loss: null, tokens: 0, stored: (await settledState(exact, stored, dtype)).state }
  const canCutBack = stored.recurrent.length === 0
  // Reading on needs room in the context of a hybrid.
  const room = canCutBack ? POSITIONS : (runtime.model.contextLength ?? Number.POSITIVE_INFINITY) - tokens.length
  const last = tokens.subarray(-Math.max(1, Math.min(POSITIONS, room)))
  const readAgain = (session: Session) => {
    if (canCutBack) session.truncate(tokens.length - last.length)
    return session.append(last, { logits: 'all' })
  }
  const expected = await readAgain(exact)
  const { state, isExact } = await settledState(exact, stored, dtype)
  if (isExact) exact.dispose()
  using restored = isExact ? await runtime.restore(state) : null
  const found = await readAgain(restored ?? exact)
  const { vocabSize } = runtime.model
  const rows = Array.from(last, (_, row) => {
    const at = (all: Float32Array) => all.subarray(row * vocabSize, (row + 1) * vocabSize)
    return compareLogits(at(expected), at(found))
  })
  const loss = {
    klBits: rows.reduce((sum, { klBits }) => sum + klBits, 0) / rows.length,
    maxAbsDiff: Math.max(...rows.map(({ maxAbsDiff }) => maxAbsDiff)),
    top1: rows.every(({ sameTop1 }) => sameTop1),
  }
  return { loss, tokens: 2 * last.length, stored: state }
}
