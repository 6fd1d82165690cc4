import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findGoldenCases } from './goldenCases.ts'
import { GOLDEN_LIMIT } from './goldenLine.ts'

for (const root of ['test/golden', 'assets/models']) {
  const cases = (await findGoldenCases(resolve(root))).filter(({ kind }) => kind !== 'tokenizer')

  describe(`models under ${root} equal the reference implementation`, () => {
    test.each(cases)('$name', async ({ run }) => {
      const line = await run()
      expect(line).toMatchObject({ ok: true })
      expect('greedyEqual' in line && line.greedyEqual).not.toBe(false)
      for (const difference of Object.values(('maxAbsDiff' in line && line.maxAbsDiff) || { none: 1 })) {
        if (difference !== null) expect(difference).toBeLessThanOrEqual(GOLDEN_LIMIT)
      }
    })
  })
}
