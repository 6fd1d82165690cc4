import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sharesOf, stopsOf, withoutPart, withPart } from '../../../../renderer/features/remix/shares.ts'

const sum = (shares: readonly number[]) => shares.reduce((total, share) => total + share, 0)

test('a part that comes gets its equal share, and what the others had stays in proportion', () => {
  expect(withPart([])).toEqual([100])
  expect(withPart([100])).toEqual([50, 50])
  expect(withPart([75, 25])).toEqual([50, 17, 33])
  expect(withoutPart([50, 17, 33], 1)).toEqual([60, 40])
  expect(withoutPart([100], 0)).toEqual([])
  expect(withoutPart([0, 100], 1)).toEqual([100])
})

test('shares are whole, sum to 100, and are those between the thumbs, whatever comes and goes', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(15)), { maxLength: 40 }), steps => {
      let shares: number[] = []
      for (const out of steps)
        shares = out === null || shares.length < 2 ? withPart(shares) : withoutPart(shares, out % shares.length)
      for (const share of shares) expect(Number.isInteger(share) && share >= 0).toBe(true)
      expect(sum(shares)).toBe(shares.length === 0 ? 0 : 100)
      if (shares.length > 0) expect(sharesOf(stopsOf(shares))).toEqual(shares)
    }),
  )
})
