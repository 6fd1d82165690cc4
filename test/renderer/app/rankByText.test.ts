import { expect, test } from 'vitest'
import { PLACES, type Place } from '#shared/domain/places.ts'
import { rankByText } from '../../../renderer/app/rankByText.ts'

const ITEMS = [
  { title: 'Ask this cartridge', words: 'question chat' },
  { title: 'Delete this cartridge', words: 'remove' },
  ...PLACES.map(({ name, words }: Place) => ({ title: name, words })),
  { title: 'Settings: Keys', words: '' },
  { title: 'Theme: dark', words: 'appearance' },
  { title: 'Ask The manager of Harbor Coffee is Lena Ortiz.', words: '' },
  { title: 'Straße und Über', words: '' },
]
const titles = (text: string) => rankByText(text, ITEMS).map(({ item }) => item.title)

test.each([
  ['library', 'Library'],
  ['libr', 'Library'],
  ['tiers', 'Memory'],
  ['delete this', 'Delete this cartridge'],
  ['this ask', 'Ask this cartridge'],
  ['setkeys', 'Settings: Keys'],
  // A part of a place, before the place whose title holds one word and whose words the other.
  ['settings keys', 'Settings: Keys'],
  ['keys settings', 'Settings: Keys'],
  ['settings theme', 'Settings'],
  ['thdark', 'Theme: dark'],
  ['dlt crt', 'Delete this cartridge'],
  ['lena', 'Ask The manager of Harbor Coffee is Lena Ortiz.'],
  ['uber', 'Straße und Über'],
])('%j finds %j first', (text, title) => expect(titles(text)[0]).toBe(title))

test.each(['zzz', 'qqlibrary', 'xylophone'])('%j is nothing', text => expect(titles(text)).toEqual([]))

test('the letters that were found are those that were typed', () => {
  const [first] = rankByText('thdark', ITEMS)
  expect(first?.letters.map(at => first.item.title[at]).join('')).toMatch(/^thdark$/i)
  // Found by other words: nothing of the title was typed.
  expect(rankByText('tiers', ITEMS)[0]).toMatchObject({ item: { title: 'Memory' }, letters: [] })
})

test('equal matches keep the order in which they were given', () => {
  const same = Array.from({ length: 30 }, (_, at) => ({ title: 'Same', words: '', at }))
  expect(rankByText('same', same).map(({ item }) => item.at)).toEqual(same.map(({ at }) => at))
})
