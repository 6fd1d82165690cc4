import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Store } from '#engine/store/openStore.ts'
import { openTestStore, testPacket } from './fixture.ts'

const CANARY = 'zanzibarquokka'
const DAY = 24 * 60 * 60 * 1000

/** Files of the store that hold the canary in any case, write-ahead logs included. */
function holding(store: Store): string[] {
  return readdirSync(store.folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .filter(path => readFileSync(path).toString('latin1').toLowerCase().includes(CANARY))
    .map(path => path.slice(store.folder.length + 1))
}

/** A packet with the canary in every text about it, among others whose rows share its pages. */
async function filled(clock: () => number) {
  const store = await openTestStore(undefined, { clock })
  const publish = (name: string, word: string) =>
    store.publishPacket({ ...testPacket(name, { card: `A card about ${word}` }), names: [`The ${word}`] })
  for (let i = 0; i < 20; i++) await publish(`n${i}`, `neighbour ${i}`)
  const { packetId } = await publish('secret', CANARY)
  for (let i = 20; i < 40; i++) await publish(`n${i}`, `neighbour ${i}`)
  store.library.packets.setTags(packetId, [CANARY])
  for (const id of ['a', 'b'])
    store.library.asks.add({
      ...{ id, parentId: null, rootPacketId: packetId, newPacketId: null, receiptId: 'r', at: 1, detail: { CANARY } },
      ...{ question: `Who is ${CANARY}?`, answer: `${CANARY} is `.repeat(2000) },
    })
  await store.parts.indexFile.flush()
  return { store, packetId }
}

describe('what is deleted', () => {
  it('is in no byte of the store any more once it is collected, also with the store open', async () => {
    let now = Date.now()
    const { store, packetId } = await filled(() => now)
    expect(holding(store).filter(path => !path.startsWith('blobs/'))).not.toEqual([])
    store.library.packets.remove([packetId], now)
    now += 8 * DAY
    expect(await store.gc({ graceMs: 0 })).toMatchObject({ packets: 1 })
    await store.parts.indexFile.flush()
    expect(holding(store)).toEqual([])
    expect((await store.list()).total).toBe(40)
    await store.close()
    expect(holding(store)).toEqual([])
  })

  it('is gone from the history when that is cleared', async () => {
    const { store, packetId } = await filled(() => 1e12)
    expect(store.library.asks.clear(packetId)).toBe(2)
    store.library.scrub()
    for (const path of holding(store))
      expect(readFileSync(join(store.folder, path), 'latin1')).not.toContain(' is zanz')
  })
})
