import { expect, it } from 'vitest'
import { splitText } from '#engine/packets/createSplit.ts'

const length = (text: string) => text.length

it.each([
  [
    'paragraphs',
    'One two.\nThree.\n\nFour five.\nSix.\n\nSeven.',
    ['One two.\nThree.\n\n', 'Four five.\nSix.\n\n', 'Seven.'],
    19,
  ],
  ['paragraphs of Windows', 'One.\r\nTwo.\r\n\r\nSix.\r\nTen.', ['One.\r\nTwo.\r\n\r\n', 'Six.\r\nTen.'], 15],
  ['paragraphs between lines of spaces', 'One.\nTwo.\n \t\nSix.\nTen.', ['One.\nTwo.\n \t\n', 'Six.\nTen.'], 14],
  ['sentences', 'One two. Three four! Five?', ['One two. ', 'Three four! ', 'Five?'], 12],
  [
    'sentences without spaces',
    '中庭の門は午後十時に閉まる。鍵は田中にある！',
    ['中庭の門は午後十時に閉まる。', '鍵は田中にある！'],
    15,
  ],
  ['words', 'one two three', ['one two ', 'three'], 8],
  ['characters', '閉まる鍵', ['閉ま', 'る鍵'], 2],
])('a text is cut after %s where they fit', async (_, text, parts, limit) => {
  expect(await splitText(text, limit, length)).toEqual(parts)
})

it.each([
  ['without any place to cut', 'x'.repeat(200_000), 1000],
  ['of short lines', '1;2;3\n'.repeat(40_000), 1000],
  ['of letters that are two units', '🐐'.repeat(20_000), 333],
  ['of which not one character fits', '🐐🐐', 1],
])('a text %s is cut without a loss, each part measured a few times', async (_, text, limit) => {
  let measured = 0
  const parts = await splitText(text, limit, piece => {
    measured += piece.length
    return piece.length
  })
  expect(parts.join('')).toBe(text)
  expect(parts.every(part => part.isWellFormed())).toBe(true)
  if (limit > 2) {
    expect(Math.max(...parts.map(length))).toBeLessThanOrEqual(limit)
    expect(parts.length).toBeLessThanOrEqual(Math.ceil(text.length / (limit * 0.9)))
  }
  expect(measured).toBeLessThan(8 * text.length + 8 * limit)
})

it('other work has its turn while a text is cut, and may end it', async () => {
  const cancelling = new AbortController()
  setImmediate(() => cancelling.abort())
  const cut = splitText('x'.repeat(100_000), 10, length, cancelling.signal)
  await expect(cut).rejects.toMatchObject({ code: 'E_CANCELLED' })
})
