import { expect, it } from 'vitest'
import { type Extent, FreeSpace } from '#engine/live/freeSpace.ts'
import { seededRandom } from '../../crash/simulatedDisk.ts'

it('gives no byte to two, and takes none behind the bound while there is room before it', () => {
  for (let seed = 1; seed <= 10; seed++) {
    const random = seededRandom(seed)
    const space = new FreeSpace()
    const owned = new Set<number>()
    const held: (readonly Extent[])[] = []
    const bytesOf = (extents: readonly Extent[]) =>
      extents.flatMap(({ at, size }) => Array.from({ length: size }, (_, byte) => at + byte))
    const MOST = 1000
    for (let step = 0; step < 200; step++) {
      const size = Math.floor(random() * 90)
      if (owned.size + size > MOST || (held.length > 0 && random() < 0.4)) {
        const [gone = []] = held.splice(Math.floor(random() * held.length), 1)
        for (const byte of bytesOf(gone)) owned.delete(byte)
        space.give(gone)
      } else {
        const extents = random() < 0.5 ? space.take(size, MOST) : space.takeFirst(size)
        const bytes = bytesOf(extents)
        expect(bytes).toHaveLength(size)
        expect(bytes.filter(byte => owned.has(byte))).toEqual([])
        for (const byte of bytes) owned.add(byte)
        held.push(extents)
      }
      expect(space.end).toBe(Math.max(-1, ...owned) + 1)
      expect(space.end).toBeLessThanOrEqual(MOST)
    }
    for (const extents of held) space.give(extents)
    expect(space.end).toBe(0)
  }
})

it('keeps together what it can', () => {
  const space = new FreeSpace()
  const [first, second, third] = [30, 10, 20].map(size => space.take(size, 100))
  expect([first, second, third].flat()).toEqual([
    { at: 0, size: 30 },
    { at: 30, size: 10 },
    { at: 40, size: 20 },
  ])
  space.give(first ?? [])
  // The end has room; the hole would part it.
  expect(space.take(35, 100)).toEqual([{ at: 60, size: 35 }])
  // The end has none.
  expect(space.take(33, 100)).toEqual([
    { at: 0, size: 30 },
    { at: 95, size: 3 },
  ])
})
