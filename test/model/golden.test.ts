import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findGoldenCases } from './goldenCases.ts'
import { GOLDEN_LIMIT, goldenLimit } from './goldenLine.ts'

for (const root of ['test/golden', 'assets/models']) {
  const cases = (await findGoldenCases(resolve(root))).filter(({ kind }) => kind !== 'tokenizer')

  describe(`models under ${root} equal the reference implementation`, () => {
    test.each(cases)('$name', async ({ run }) => {
      const line = await run()
      expect(line).toMatchObject({ ok: true })
      expect('greedyEqual' in line && line.greedyEqual).not.toBe(false)
      const { maxAbsDiff, limit } = 'maxAbsDiff' in line ? line : { maxAbsDiff: null, limit: null }
      for (const difference of Object.values(maxAbsDiff ?? { none: 1 })) {
        if (difference !== null) expect(difference).toBeLessThanOrEqual(limit ?? 0)
      }
    })
  })
}

test('the limit grows with the largest logit, and not below the size of random ones', () => {
  expect(goldenLimit(GOLDEN_LIMIT, [0.5, -1])).toBe(GOLDEN_LIMIT)
  expect(goldenLimit(GOLDEN_LIMIT, [3, -42])).toBeCloseTo(GOLDEN_LIMIT * 10.5, 12)
})
