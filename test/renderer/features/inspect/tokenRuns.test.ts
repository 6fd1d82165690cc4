import { expect, it } from 'vitest'
import { tokenLabels, tokenRuns } from '../../../../renderer/features/inspect/views/tokenRuns.ts'

const token = (text: string, start: number, end: number) => ({ id: 7, text, start, end })
const TEXT = 'a 第一b'
// The bytes of two letters, of which one token holds the end of the first and the beginning of the second.
const TOKENS = [...[token('a ', 0, 2), token('�', 2, 3), token('�', 2, 4), token('�', 3, 4), token('b', 4, 5)]]

it('tokens that only together are characters are shown as these, the others as they are', () => {
  const runs = tokenRuns(TOKENS, TEXT)
  expect(runs.map(({ at, text, tokens }) => [at, text, tokens.length])).toEqual([
    [0, 'a ', 1],
    [1, '第一', 3],
    [4, 'b', 1],
  ])
  expect(runs.map(({ text }) => text).join('')).toBe(TEXT)
  expect(tokenLabels(TOKENS, TEXT)).toEqual(['"a "', '"第一", 1 of 3', '"第一", 2 of 3', '"第一", 3 of 3', '"b"'])
})

it('without a tokenizer, every token stands alone', () => {
  const unknown = Array.from({ length: 3 }, () => token('', 0, 0))
  expect(tokenRuns(unknown, 'a text').map(({ at, text }) => [at, text])).toEqual([
    [0, ''],
    [1, ''],
    [2, ''],
  ])
})
