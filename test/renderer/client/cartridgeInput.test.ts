import { afterEach, expect, it, vi } from 'vitest'
import { cartridgeInput } from '../../../renderer/client/cartridgeInput.ts'

const file = new File([Uint8Array.of(1, 2, 3)], 'tea.cartridge')

afterEach(() => vi.unstubAllGlobals())

it('names a file that the system opened, or that lies on this disk, and sends only what a page alone has', async () => {
  expect(await cartridgeInput({ name: 'tea.cartridge', size: 3, path: '/tea.cartridge' })).toEqual({
    path: '/tea.cartridge',
  })
  expect(await cartridgeInput(file)).toEqual({ bytes: Uint8Array.of(1, 2, 3) })
  vi.stubGlobal('statepack', { pathOf: (found: File) => `/home/${found.name}` })
  expect(await cartridgeInput(file)).toEqual({ path: '/home/tea.cartridge' })
  vi.stubGlobal('statepack', { pathOf: () => '' })
  expect(await cartridgeInput(file)).toEqual({ bytes: Uint8Array.of(1, 2, 3) })
})

it('says what can take a file that is too large to be sent', async () => {
  const large = Object.defineProperty(new File([], 'large.cartridge'), 'size', { value: 2 ** 31 })
  await expect(cartridgeInput(large)).rejects.toMatchObject({
    code: 'E_TOO_LARGE',
    message: expect.stringContaining('desktop app'),
  })
})
