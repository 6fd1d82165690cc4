import { firstTokens } from './kvRows.ts'
import type { StateSnapshot } from './stateSnapshot.ts'

/** A state of keys and values as it was after its first `position` tokens. Copies the block that ends there, no other. */
export function cutBack(snapshot: StateSnapshot, position: number): StateSnapshot {
  const blocks = snapshot.blocks
    .filter(({ start }) => start < position)
    .map(block => (block.start + block.tokens > position ? firstTokens(block, position - block.start) : block))
  return { ...snapshot, position, blocks }
}
