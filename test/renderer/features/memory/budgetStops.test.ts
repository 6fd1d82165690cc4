import fc from 'fast-check'
import { expect, it } from 'vitest'
import { budgetStops } from '../../../../renderer/features/memory/budgetStops.ts'

it('offers what is set now among round figures, ascending, never more than the machine has', () => {
  expect(budgetStops(512 * 1024 ** 2, { most: 2e9 })).toEqual([
    50e6,
    75e6,
    100e6,
    150e6,
    200e6,
    300e6,
    400e6,
    500e6,
    512 * 1024 ** 2,
    750e6,
    1e9,
    1.5e9,
    2e9,
  ])
  expect(budgetStops(75e6, { most: 1e8, least: 0 })).toEqual([0, 50e6, 75e6, 100e6])
  fc.assert(
    fc.property(fc.integer({ min: 16 * 1024 ** 2, max: 1e13 }), fc.integer({ min: 1e9, max: 1e13 }), (now, machine) => {
      const stops = budgetStops(now, { most: machine })
      expect(stops).toContain(now)
      expect(stops).toEqual([...new Set(stops)].sort((a, b) => a - b))
      for (const bytes of stops) expect(bytes === now || (bytes >= 50e6 && bytes <= machine)).toBe(true)
    }),
  )
})
