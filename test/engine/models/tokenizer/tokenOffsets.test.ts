import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openFamily } from './variantTokenizer.ts'

const families = readdirSync(resolve('test/golden/tokenizers'))

describe.each(families)('%s: which characters a token covers', family => {
  const golden = JSON.parse(readFileSync(resolve('test/golden/tokenizers', family, 'golden.json'), 'utf8'))
  const cases: string[] = golden.cases.map((entry: { text: string }) => entry.text)

  test('the offsets run forward, leave no character out, and spell what they cover', async () => {
    const tokenizer = await openFamily(family)
    for (const text of cases.filter(text => text !== '')) {
      const offsets = tokenizer.offsets(text, tokenizer.encode(text))
      expect(offsets[0]?.start).toBe(0)
      expect(offsets.at(-1)?.end).toBe(text.length)
      offsets.forEach((offset, i) => {
        const before = offsets[i - 1]
        if (before !== undefined) {
          expect(offset.start, text).toBeLessThanOrEqual(before.end)
          expect(offset.start).toBeGreaterThanOrEqual(before.start)
          expect(offset.end).toBeGreaterThanOrEqual(before.end)
        }
        const covered = text.slice(offset.start, offset.end)
        if (!offset.text.includes('\uFFFD') && !/[^\x20-\x7e]/.test(text)) {
          expect([offset.text, offset.text.slice(1)], text).toContain(covered)
        }
      })
    }
  })
})

test('a composed character is covered as it stands in the text', async () => {
  const tokenizer = await openFamily('qwen2-style')
  const text = 'cafe\u0301 noir'
  const noir = tokenizer.offsets(text, tokenizer.encode(text)).filter(({ start }) => start >= 5)
  expect(text.slice(noir[0]?.start)).toBe(' noir')
})

test('tokens that stand for nothing in the text get an empty range', async () => {
  const tokenizer = await openFamily('llama3-style')
  const [bos, first] = tokenizer.offsets('Hello', tokenizer.encode('Hello', { bos: true }))
  expect(bos).toMatchObject({ id: 900, start: 0, end: 0 })
  expect(first).toMatchObject({ start: 0 })
})
