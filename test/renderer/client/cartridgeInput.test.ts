import { afterEach, expect, it, vi } from 'vitest'
import { cartridgeInput } from '../../../renderer/client/cartridgeInput.ts'

const MIB = 2 ** 20
const file = new File([Uint8Array.of(1, 2, 3)], 'tea.cartridge')

afterEach(() => vi.unstubAllGlobals())

async function uploaded(input: ReturnType<typeof cartridgeInput>): Promise<number[]> {
  const parts: Uint8Array[] = []
  for await (const part of input.upload ?? []) parts.push(part)
  return [...Buffer.concat(parts)]
}

it('names a file that the system opened, or that lies on this disk, and sends only what a page alone has', async () => {
  expect(cartridgeInput({ name: 'tea.cartridge', size: 3, path: '/tea.cartridge' })).toEqual({
    input: { path: '/tea.cartridge' },
  })
  expect(await uploaded(cartridgeInput(file))).toEqual([1, 2, 3])
  vi.stubGlobal('statepack', { pathOf: (found: File) => `/home/${found.name}` })
  expect(cartridgeInput(file)).toEqual({ input: { path: '/home/tea.cartridge' } })
  vi.stubGlobal('statepack', { pathOf: () => '' })
  expect(await uploaded(cartridgeInput(file))).toEqual([1, 2, 3])
})

it('reads a file of any size from the disk in parts, each only when it is asked for', async () => {
  const read: [start: number, end: number][] = []
  const large = Object.defineProperties(new File([], 'large.cartridge'), {
    size: { value: 3 * 2 ** 30 + 5 },
    slice: {
      value: (start: number, end: number) => {
        read.push([start, end])
        return new Blob(['part'])
      },
    },
  })
  const parts = cartridgeInput(large).upload?.[Symbol.asyncIterator]()
  await parts?.next()
  await parts?.next()
  expect(read).toEqual([
    [0, MIB],
    [MIB, 2 * MIB],
  ])
  let count = 2
  while ((await parts?.next())?.done === false) count += 1
  expect(count).toBe(3 * 1024 + 1)
})
