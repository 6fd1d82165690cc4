import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { awkwardText, ENGLISH, seeded } from '../../../model/seamTexts.ts'
import { openFamily } from './variantTokenizer.ts'

const families = readdirSync(resolve('test/golden/tokenizers'))
const trials = process.env.DEEP ? 5000 : 150

describe.each(families)('%s: text that comes token by token', family => {
  const golden = JSON.parse(readFileSync(resolve('test/golden/tokenizers', family, 'golden.json'), 'utf8'))
  const cases: string[] = golden.cases.map((entry: { text: string }) => entry.text)

  test('joined, the pieces are the decoded text, and every piece is whole characters', async () => {
    const tokenizer = await openFamily(family)
    const random = seeded(7)
    for (let i = 0; i < trials; i++) {
      const text = awkwardText(random, { cases: [...cases, ...ENGLISH], addedTokens: tokenizer.specialTokens })
      const ids = tokenizer.encode(text)
      const pieces = streamed(tokenizer.streamDecoder(), ids)
      expect(pieces.join('')).toBe(tokenizer.decode(ids))
      for (const piece of pieces) expect(piece.isWellFormed()).toBe(true)
    }
  })

  test('no piece shows a replacement character when the text has none', async () => {
    const tokenizer = await openFamily(family)
    for (const text of ['👩‍👩‍👧‍👦 family 🏳️‍🌈', '東京は大きい。', 'naïve café — “quoted”']) {
      const pieces = streamed(tokenizer.streamDecoder(), tokenizer.encode(text))
      expect(pieces.join('')).not.toContain('\uFFFD')
      expect(pieces.some(piece => piece.includes('\uFFFD'))).toBe(false)
    }
  })

  test('any ids at all decode to text, the same at once and one by one', async () => {
    const tokenizer = await openFamily(family)
    const random = seeded(11)
    for (let i = 0; i < trials; i++) {
      const ids = Array.from({ length: 1 + Math.floor(random() * 30) }, () =>
        Math.floor(random() * tokenizer.vocabSize),
      )
      for (const skipSpecial of [false, true]) {
        const pieces = streamed(tokenizer.streamDecoder({ skipSpecial }), ids)
        expect(pieces.join('')).toBe(tokenizer.decode(ids, { skipSpecial }))
        expect(pieces.every(piece => piece.isWellFormed())).toBe(true)
      }
    }
  })
})

test('a character is held back until its last byte, and given up at the end', async () => {
  const tokenizer = await openFamily('gpt2-style')
  const ids = [...tokenizer.encode('👍')]
  expect(ids.length).toBeGreaterThan(1)
  const decoder = tokenizer.streamDecoder()
  expect(ids.slice(0, -1).map(id => decoder.push(id))).toEqual(ids.slice(0, -1).map(() => ''))
  expect(decoder.push(ids.at(-1) ?? 0)).toBe('👍')
  expect(decoder.push(ids[0] ?? 0)).toBe('')
  expect(decoder.end()).toBe('\uFFFD')
})

test('special tokens can be left out', async () => {
  const tokenizer = await openFamily('qwen2-style')
  const ids = tokenizer.encode('<|im_start|>hi<|im_end|>')
  expect(tokenizer.decode(ids)).toBe('<|im_start|>hi<|im_end|>')
  expect(tokenizer.decode(ids, { skipSpecial: true })).toBe('hi')
})

function streamed(decoder: { push(id: number): string; end(): string }, ids: Iterable<number>): string[] {
  return [...Array.from(ids, id => decoder.push(id)), decoder.end()]
}
