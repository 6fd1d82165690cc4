import { expect, it } from 'vitest'
import { readingsOf } from '../../../renderer/stores/readingsOf.ts'

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))

it.each([
  ['windows-1251', 'Двор закрывают', 'c4 e2 ee f0 20 e7 e0 ea f0 fb e2 e0 fe f2'],
  ['koi8-r', 'Двор закрывают', 'e4 d7 cf d2 20 da c1 cb d2 d9 d7 c1 c0 d4'],
  ['ibm866', 'Двор закрывают', '84 a2 ae e0 20 a7 a0 aa e0 eb a2 a0 ee e2'],
  ['windows-1253', 'Το κλειδί', 'd4 ef 20 ea eb e5 e9 e4 df'],
  ['shift_jis', '緑町の規則', '97 ce 92 ac 82 cc 8b 4b 91 a5'],
  ['euc-jp', '日本語の', 'c6 fc cb dc b8 ec a4 ce'],
])('a text in %s is offered in it before others, with how it reads', (encoding, excerpt, hex) => {
  expect(readingsOf(bytes(hex))[0]).toEqual({ encoding, excerpt })
})

it('a text that could be in several is offered in each', () => {
  const readings = new Map(
    readingsOf(bytes('4b 6c ed e8 20 6d e1 20 6f 74 65 76 f8 65 6e 6f')).map(({ encoding, excerpt }) => [
      encoding,
      excerpt,
    ]),
  )
  expect(readings.get('windows-1250')).toBe('Klíč má otevřeno')
  expect(readings.get('windows-1252')).toBe('Klíè má otevøeno')
})

it('an excerpt begins with the word before what tells encodings apart, wherever that is', () => {
  const long = `${'plain words only '.repeat(40)}Zelená ulice`
  const excerpts = readingsOf(Uint8Array.from(Buffer.from(long, 'latin1'))).map(({ excerpt }) => excerpt)
  expect(excerpts).toContain('only Zelená ulice')
})

it.each([
  ['a program', '7f 45 4c 46 ff fe 00'],
  ['a picture', '89 50 4e 47 0d 0a 1a 0a 00 00 00 0d'],
])('%s is offered in none', (_, hex) => {
  expect(readingsOf(bytes(hex))).toEqual([])
})

it('a character that is cut off where looking ends takes no encoding away', () => {
  const text = Uint8Array.from({ length: 2 ** 18 + 9 }, (_, i) => (i === 0 ? 0x61 : i % 2 === 1 ? 0x93 : 0xfa))
  expect(readingsOf(text).map(({ encoding }) => encoding)).toContain('shift_jis')
})

it('a character that is cut off where the file ends takes away the encodings that have it', () => {
  const found = readingsOf(Uint8Array.from(Buffer.from('Viva el olé', 'latin1'))).map(({ encoding }) => encoding)
  expect(found).toContain('windows-1252')
  for (const encoding of ['shift_jis', 'euc-jp', 'gb18030', 'big5', 'euc-kr']) expect(found).not.toContain(encoding)
})

it('an excerpt begins where a reading differs from all others, and of those that read alike there is one', () => {
  const names = `José is here. ${'plain words only '.repeat(40)}\xa3ukasz is not.`
  const readings = readingsOf(Uint8Array.from(Buffer.from(names, 'latin1')))
  const excerpts = new Map(readings.map(({ encoding, excerpt }) => [encoding, excerpt]))
  expect(excerpts.get('windows-1250')).toContain('Łukasz is not.')
  expect(excerpts.get('windows-1252')).toContain('£ukasz is not.')
  expect(excerpts.get('windows-1251')).toContain('Josй is here.')
  expect(new Set(excerpts.values()).size).toBe(readings.length)
})

it('a sign of a program is found anywhere', () => {
  expect(readingsOf(Uint8Array.from(Buffer.from(`José ${'word '.repeat(100)}\0`, 'latin1')))).toEqual([])
})
