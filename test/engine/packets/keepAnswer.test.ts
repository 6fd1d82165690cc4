/** Where an answer ends that a stop text ended. */
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import type { Tokenizer } from '#engine/models/tokenizer/tokenizer.ts'
import { idsBefore } from '#engine/packets/keepAnswer.ts'
import { openTokenizer } from '../../model/openTokenizer.ts'
import { ASSETS } from '../testEngine.ts'

let tokenizer: Tokenizer
beforeAll(async () => {
  const opened = await openTokenizer(join(ASSETS, 'models', 'starter-transformer'))
  if (opened === null) throw new Error('The starter has no tokenizer.')
  tokenizer = opened
})

/** One id after the other, as it is meant. */
function oneByOne(ids: Int32Array, length: number): Int32Array {
  const text = (count: number) => tokenizer.decode(ids.subarray(0, count))
  let count = 0
  while (count < ids.length && text(count + 1).length <= length) count++
  if (count === ids.length) return ids
  const isSpace =
    text(count).length < length &&
    text(count + 1)
      .slice(length)
      .trim() === ''
  return ids.slice(0, isSpace ? count + 1 : count)
}

it('keeps the ids before a place in the text, whatever its characters are made of', () => {
  const texts = fc.string({
    unit: fc.constantFrom('the lease ', 'é', '\u{1f469}‍\u{1f467}', '漢', '\n\n', ' ', 'x'),
    maxLength: 80,
  })
  fc.assert(
    fc.property(texts, fc.nat(200), (text, length) => {
      const ids = tokenizer.encode(text)
      expect([...idsBefore(tokenizer, ids, length)]).toEqual([...oneByOne(ids, length)])
    }),
    { numRuns: process.env.DEEP ? 5000 : 200 },
  )
})

it('decodes a long answer a few times, not once for each of its ids', () => {
  const ids = tokenizer.encode('The lease runs for ten years. '.repeat(500))
  const text = tokenizer.decode(ids)
  let decoded = 0
  const counting: Tokenizer = Object.assign(Object.create(tokenizer), {
    decode: (...of: Parameters<Tokenizer['decode']>) => {
      decoded += 1
      return tokenizer.decode(...of)
    },
  })
  const before = idsBefore(counting, ids, text.length - 40)
  expect(tokenizer.decode(before).length).toBeLessThanOrEqual(text.length - 40)
  expect(decoded).toBeLessThan(100)
})
