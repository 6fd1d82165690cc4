import type { StateDtype } from '#shared/domain/cartridge.ts'
import type { Session } from '../inference/session.ts'
import type { StateSnapshot } from '../inference/stateSnapshot.ts'
import type { EncodedState } from './stateEncoder.ts'

/**
 * The whole of a state that was taken out of a session, as it will be restored. Where memory has some of it with the session alone,
 * that session goes on from the stored numbers, which are then lent from its buffers: `isExact` is false.
 */
export async function settledState(
  session: Session,
  stored: EncodedState['stored'],
  dtype: StateDtype,
): Promise<{ readonly state: StateSnapshot; readonly isExact: boolean }> {
  const atHand = stored.blocks.filter(block => block !== null)
  const isExact = atHand.length === stored.blocks.length
  return { state: { ...stored, blocks: isExact ? atHand : await session.settle(stored.blocks, dtype) }, isExact }
}
