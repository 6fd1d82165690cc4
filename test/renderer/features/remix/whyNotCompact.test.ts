import { expect, test } from 'vitest'
import { parseDigest } from '#shared/domain/digest.ts'
import { whyNotCompact } from '../../../../renderer/features/remix/whyNotCompact.ts'

const read = { do: 'read', source: parseDigest(`sha256:${'0'.repeat(64)}`), name: 'Station card' } as const

test.each([
  ['tokens', [read], /one step/],
  ['tokens', [read, { do: 'first', tokens: 20 }], /one step/],
  ['tokens', [read, { do: 'flush' }], /one step/],
  ['withheld', [{ do: 'withheld', name: 'Letters' }], /left out the text/],
  ['withheld', [{ do: 'withheld', name: 'Letters' }, read, read], /left out the text/],
  ['mix', [{ do: 'mix', parents: [] as never[] }, read, read], /A mix/],
] as const)('a cartridge of %s, %j is not offered for compaction', (kind, steps, why) =>
  expect(whyNotCompact({ config: { origin: { kind } }, recipe: { steps: [...steps] } })).toMatch(why),
)

test('two texts may be read as one', () =>
  expect(whyNotCompact({ config: { origin: { kind: 'tokens' } }, recipe: { steps: [read, read] } })).toBe(null))
