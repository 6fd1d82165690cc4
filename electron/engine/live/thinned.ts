import { BLOCK_TOKENS } from '../inference/stateSnapshot.ts'

/** So many blocks back from the newest checkpoint, each is kept. */
const DENSE_BLOCKS = 8

/**
 * Which checkpoints of a reading to keep, of those at these ascending positions, all multiples of 64: each of the last 8
 * blocks, then every second, every fourth, … as the distance to the newest doubles. So they grow with the logarithm of what
 * was read. Thinning as one reads keeps the same ones as thinning at the end, since what a later position keeps an earlier
 * one kept, too.
 */
export function thinned(positions: readonly number[]): ReadonlySet<number> {
  const newest = (positions.at(-1) ?? 0) / BLOCK_TOKENS
  return new Set(
    positions.filter(position => {
      const block = position / BLOCK_TOKENS
      let step = 1
      while (newest - block >= DENSE_BLOCKS * step) step *= 2
      return block % step === 0
    }),
  )
}
