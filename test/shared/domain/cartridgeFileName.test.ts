import { expect, it } from 'vitest'
import { cartridgeFileName, nameInFileName } from '#shared/domain/cartridgeFileName.ts'

it.each(['Harbor/Süd: 1', 'a\\b*c?"d"<e>|f', 'plain', '日本語', 'one.two', 'part 2 of 3', '👩‍👩‍👧 family'])(
  'the name %j travels in the file name',
  name => {
    const file = cartridgeFileName(name)
    expect(file).not.toMatch(/[\\/:*?"<>|\p{Cc}]/u)
    expect(nameInFileName(file)).toBe(name)
  },
)

it('is never hidden, empty or without its ending', () => {
  expect(cartridgeFileName('..')).toBe('cartridge.cartridge')
  expect(cartridgeFileName('.profile ')).toBe('profile.cartridge')
  expect(cartridgeFileName('x'.repeat(300))).toBe(`${'x'.repeat(100)}.cartridge`)
  expect(cartridgeFileName('two\nlines')).toBe('two lines.cartridge')
  expect(nameInFileName('harbor (2).CARTRIDGE')).toBe('harbor')
})
