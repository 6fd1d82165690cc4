import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chainSavingsPercent, countWords, type MergeChain, shouldCompact } from '#shared/domain/compaction.ts'

const chain = (part: Partial<MergeChain>): MergeChain => ({
  steps: 3,
  baseWords: 100,
  deltaWords: 1,
  baseTokens: 1000,
  deltaTokens: 1,
  ...part,
})

describe('threshold', () => {
  it.each([
    ['2 steps, as many words', { steps: 2, deltaWords: 100 }, false],
    ['2 steps, a hundred times the words', { steps: 2, deltaWords: 10_000 }, false],
    ['3 steps, one word short', { steps: 3, deltaWords: 99 }, false],
    ['3 steps, as many words', { steps: 3, deltaWords: 100 }, true],
    ['19 steps, one word short', { steps: 19, deltaWords: 99 }, false],
    ['20 steps, few words', { steps: 20, deltaWords: 0 }, true],
    ['21 steps, few words', { steps: 21, deltaWords: 0 }, true],
  ])('%s', (_, part, expected) => {
    expect(shouldCompact('threshold', chain(part))).toBe(expected)
  })
})

describe('savings', () => {
  it.each([
    ['exactly 70 %', { baseTokens: 700, deltaTokens: 300 }, false],
    ['just below 70 %', { baseTokens: 699, deltaTokens: 301 }, true],
    ['one step, far below', { steps: 1, baseTokens: 1, deltaTokens: 99 }, true],
    ['29 steps, high savings', { steps: 29 }, false],
    ['30 steps, high savings', { steps: 30 }, true],
    ['an empty context', { baseTokens: 0, deltaTokens: 0 }, false],
  ])('%s', (_, part, expected) => {
    expect(shouldCompact('savings', chain(part))).toBe(expected)
  })
})

it('never is never and always is always, but nothing folds what has no steps', () => {
  const numbers = fc.nat({ max: 100_000 })
  const chains = fc.record({
    steps: fc.nat({ max: 60 }),
    baseWords: numbers,
    deltaWords: numbers,
    baseTokens: numbers,
    deltaTokens: numbers,
  })
  fc.assert(
    fc.property(chains, found => {
      expect(shouldCompact('never', found)).toBe(false)
      expect(shouldCompact('always', found)).toBe(found.steps > 0)
      const idle = { ...found, steps: 0 }
      expect(shouldCompact('threshold', idle)).toBe(false)
      expect(shouldCompact('savings', idle)).toBe(false)
      // Growing a chain never takes the wish to fold it away.
      const grown = {
        ...found,
        steps: found.steps + 1,
        deltaWords: found.deltaWords + 5,
        deltaTokens: found.deltaTokens + 7,
      }
      for (const policy of ['threshold', 'savings', 'always'] as const)
        if (shouldCompact(policy, found)) expect(shouldCompact(policy, grown)).toBe(true)
    }),
  )
})

it('savings are the share that need not be sent again', () => {
  expect(chainSavingsPercent(chain({ baseTokens: 38, deltaTokens: 0 }))).toBe(100)
  expect(chainSavingsPercent(chain({ baseTokens: 30, deltaTokens: 10 }))).toBe(75)
})

it('words are runs of what is not white space', () => {
  expect(countWords('')).toBe(0)
  expect(countWords(' \n\t')).toBe(0)
  expect(countWords('One  two\nthree-four.\n')).toBe(3)
})
