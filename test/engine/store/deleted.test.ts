import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Store } from '#engine/store/store.ts'
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
  store.library.conversations.save('c', { slots: [packetId] }, 1)
  for (const id of ['a', 'b'])
    store.library.turns.add({
      ...{
        id,
        conversationId: 'c',
        previousId: null,
        parentId: null,
        besideId: null,
        rootPacketId: packetId,
        newPacketId: null,
      },
      ...{ receiptId: 'r', at: 1, detail: { CANARY }, question: `Who is ${CANARY}?` },
      answer: `${CANARY} is `.repeat(2000),
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

  it('is in no database any more when a conversation is forgotten, and until then can be brought back', async () => {
    const store = await openTestStore()
    const { conversations, turns } = store.library
    const read = await store.publishPacket({ ...testPacket('state', { card: `It was asked about ${CANARY}` }) })
    for (const id of ['c', 'stays']) {
      conversations.save(id, { name: id === 'c' ? CANARY : 'Other', draft: id === 'c' ? CANARY : 'words' }, 1)
      turns.add({
        ...{
          id: `t-${id}`,
          conversationId: id,
          previousId: null,
          parentId: null,
          besideId: null,
          rootPacketId: null,
          receiptId: 'r',
          at: 1,
        },
        ...{
          question: id === 'c' ? `Who is ${CANARY}?` : 'Who?',
          answer: id === 'c' ? `${CANARY} is `.repeat(2000) : 'I.',
        },
        ...{ newPacketId: id === 'c' ? read.packetId : null, detail: {} },
      })
    }
    expect(conversations.remove(['c'], 10)).toEqual({ removed: 1, packets: [read.packetId] })
    expect(conversations.list({ words: [], offset: 0, limit: 9 }).items.map(({ id }) => id)).toEqual(['stays'])
    expect(conversations.restore(['c'])).toEqual({ restored: 1, packets: [read.packetId] })
    expect(turns.of('c')).toHaveLength(1)

    conversations.remove(['c'], 10)
    store.library.packets.remove([read.packetId], 10)
    store.index.drop([read.packetId])
    expect(conversations.purge(9)).toBe(0)
    expect(conversations.purge(10)).toBe(1)
    store.library.scrub()
    expect(holding(store).filter(path => path.includes('sqlite'))).toEqual([])
    expect([turns.of('c').length, turns.of('stays').length]).toEqual([0, 1])
  })

  it('takes the turns that asked a collected cartridge out of their conversation, and leaves the others whole', async () => {
    const store = await openTestStore()
    const { conversations, turns, packets } = store.library
    const [gone, kept] = [
      await store.publishPacket({ ...testPacket('gone'), names: ['gone'] }),
      await store.publishPacket({ ...testPacket('kept'), names: ['kept'] }),
    ]
    conversations.save('c', {}, 1)
    const roots = [kept, gone, gone, kept, gone]
    for (const [i, { packetId }] of roots.entries())
      turns.add({
        ...{ id: String(i), conversationId: 'c', previousId: i === 0 ? null : String(i - 1), parentId: null },
        ...{
          besideId: null,
          rootPacketId: packetId,
          newPacketId: null,
          question: 'q',
          answer: 'a',
          receiptId: 'r',
          at: i,
          detail: {},
        },
      })
    packets.forget([gone.packetId])
    expect(turns.of('c').map(({ id, previousId }) => [id, previousId])).toEqual([
      ['0', null],
      ['3', '0'],
    ])
    expect(conversations.get('c').headId).toBe('3')
    packets.forget([kept.packetId])
    expect(conversations.find('c')).toBeNull()
  })
})
