import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findGoldenCases } from './goldenCases.ts'
import { GOLDEN_LIMIT } from './goldenLine.ts'

for (const root of ['test/golden', 'assets/models']) {
  const cases = (await findGoldenCases(resolve(root))).filter(({ kind }) => kind === 'checkpoint')

  describe(`checkpoints under ${root} equal the reference implementation`, () => {
    test.each(cases)('$name', async ({ run }) => {
      const line = await run()
      expect(line).toMatchObject({ ok: true, greedyEqual: true })
      const { logits, fromSplit } = ('maxAbsDiff' in line && line.maxAbsDiff) || {}
      expect(logits).toBeLessThanOrEqual(GOLDEN_LIMIT)
      expect(fromSplit).toBeLessThanOrEqual(GOLDEN_LIMIT)
    })
  })
}
