import { expect, it } from 'vitest'
import { splitText } from '../../../electron/engine/packets/createSplit.ts'

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
])('a text is cut after %s where they fit', (_, text, parts, limit) => {
  expect(splitText(text, limit, length)).toEqual(parts)
})
