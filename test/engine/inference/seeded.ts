/** Random numbers for property tests: the seed is in the test's name, so a failure can be repeated. */
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

export interface Seeded {
  /** A whole number between both ends, ends included. */
  int(low: number, high: number): number
  tokens(count: number, vocabSize: number): Int32Array
  /** Pieces that add up to `total`, each at most `most`. */
  cuts(total: number, most: number): number[]
}

export function seeded(seed: number): Seeded {
  const random = xoroshiro128plus(seed)
  const int = (low: number, high: number) => uniformInt(random, low, high)
  return {
    int,
    tokens: (count, vocabSize) => Int32Array.from({ length: count }, () => int(0, vocabSize - 1)),
    cuts: (total, most) => {
      const pieces: number[] = []
      for (let left = total; left > 0; left -= pieces.at(-1) ?? left) pieces.push(Math.min(left, int(1, most)))
      return pieces
    },
  }
}
