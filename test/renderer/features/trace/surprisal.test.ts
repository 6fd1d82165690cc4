import { expect, it } from 'vitest'
import {
  formatBits,
  formatProbability,
  SURPRISE_LEVELS,
  surpriseLevel,
} from '../../../../renderer/features/trace/surprisal.ts'

it('puts a token on the level its bits belong to, the lower bound included', () => {
  const level = (bits: number | null) => surpriseLevel(bits)?.level
  expect([0, 0.999, 1, 2.999, 3, 5.999, 6, 9.999, 10, 1e9, Number.POSITIVE_INFINITY].map(level)).toEqual([
    0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 4,
  ])
  expect(surpriseLevel(null)).toBeNull()
  expect(SURPRISE_LEVELS.map(entry => entry.level)).toEqual([0, 1, 2, 3, 4])
})

it('writes bits and chances without false precision', () => {
  expect(formatBits(-0)).toBe('0.00\u00a0bits')
  expect(formatBits(3.4142)).toBe('3.41\u00a0bits')
  expect(formatBits(31.62)).toBe('31.6\u00a0bits')
  expect(formatBits(12_345.6)).toBe('12,346\u00a0bits')
  expect(formatProbability(0.9981)).toBe('99.8\u00a0%')
  expect(formatProbability(0.0312)).toBe('3.12\u00a0%')
  expect(formatProbability(1 / 48_000)).toBe('1 in 48,000')
  expect(formatProbability(0)).toBe('0\u00a0%')
})
