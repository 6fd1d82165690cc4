import fc from 'fast-check'
import { expect, it } from 'vitest'
import { breaksAfterAll, breaksAt } from '../../../../renderer/features/receipts/breakPlace.ts'

const problem = (index: number) => ({ index, reason: 'It was changed.' })
const log = fc.integer({ min: 1, max: 500 }).chain(total => fc.tuple(fc.constant(total), fc.nat({ max: total - 1 })))

it('shows a break at exactly one row of the whole log, whatever numbers the receipts give themselves', () => {
  fc.assert(
    fc.property(log, fc.infiniteStream(fc.nat({ max: 600 })), ([total, place], numbers) => {
      const rows = Array.from({ length: total }, (_, index) => ({
        index,
        total,
        seq: numbers.next().value,
        filtered: false,
      }))
      const broken = rows.filter(row => breaksAt(problem(place), row))
      // Newest first: receipt `place` has `place` receipts below it.
      expect(broken.map(row => total - 1 - row.index)).toEqual([place])
      expect(breaksAfterAll(problem(place), total)).toBe(false)
    }),
  )
})

it('goes by the number when only some operations are listed', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat({ max: 99 }), { minLength: 1 }), fc.nat({ max: 99 }), (seqs, place) => {
      const listed = seqs.toSorted((a, b) => b - a)
      const broken = listed.filter((seq, index) =>
        breaksAt(problem(place), { index, total: listed.length, seq, filtered: true }),
      )
      expect(broken).toEqual(seqs.includes(place) ? [place] : [])
    }),
  )
})

it('says that a tail is missing, and shows nothing where nothing is wrong', () => {
  expect(breaksAfterAll(problem(7), 7)).toBe(true)
  expect(breaksAfterAll(problem(9), 7)).toBe(true)
  expect(breaksAfterAll(problem(6), 7)).toBe(false)
  expect(breaksAfterAll(null, 7)).toBe(false)
  expect(breaksAt(null, { index: 0, total: 1, seq: 0, filtered: false })).toBe(false)
  expect(breaksAt(problem(0), { index: 0, total: 1, seq: undefined, filtered: true })).toBe(false)
})
