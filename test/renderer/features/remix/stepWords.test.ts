import { expect, test } from 'vitest'
import { parseDigest } from '#shared/domain/digest.ts'
import { stepWords } from '../../../../renderer/features/remix/stepWords.ts'

const source = parseDigest(`sha256:${'0'.repeat(64)}`)

test.each([
  [{ do: 'read', source, name: 'Station card' }, 'Station card'],
  [{ do: 'read', source, name: 'merge' }, 'Appended text: Oskar sells salt.'],
  [{ do: 'generated', tokens: 1 }, '1\u00a0generated token'],
  [{ do: 'first', tokens: 1638 }, 'Only the first 1,638\u00a0tokens'],
  [{ do: 'withheld', name: 'Letters' }, 'Letters, withheld'],
  [{ do: 'flush' }, 'What was held back'],
  [{ do: 'mix', parents: [] as never[] }, 'A mix'],
] as const)('%j is called %j', (step, words) => expect(stepWords(step, '\nOskar sells\nsalt.\n')).toBe(words))

test('of a long appended text the beginning is shown', () => {
  const words = stepWords({ do: 'read', source, name: 'merge' }, 'word '.repeat(1000))
  expect(words).toMatch(/^Appended text: word word .*…$/)
  expect(words.length).toBeLessThan(80)
})
