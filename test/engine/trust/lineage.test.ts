/** Parents are what a cartridge claims: many of them must cost little, and open nothing. */
import { readdir } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { sha256 } from '#engine/sha256.ts'
import { MAX_PARENTS } from '#shared/domain/cartridge.ts'
import { exported, openTestEngine } from '../testEngine.ts'
import { putTogether, takeApart } from './forgery.ts'

const [FILES, PARENTS] = [process.env.DEEP ? 100 : 3, MAX_PARENTS]

it('shows cartridges of many parents with two queries and one pass over the receipts', async () => {
  const { client, engine, close } = await openTestEngine()
  try {
    const made = await client.call('packets.create', {
      model: 'starter-transformer',
      sources: [{ name: 'tea', text: 'Facts:\nThe tea of Tolan is green.\n' }],
    })
    const draft = takeApart(await exported(client, { ref: made.cartridge.packetId }))
    for (let file = 0; file < FILES; file++) {
      draft.config.parents = Array.from({ length: PARENTS }, (_, place) => ({
        packetId: sha256(`${file} ${place}`),
        op: 'merge' as const,
        deltaDigest: null,
      }))
      const { cartridge } = await client.call('packets.import', {}, { upload: [putTogether(draft)] })
      expect(cartridge.parents).toBe(PARENTS)
    }
    const { store } = engine.state
    const prepare = store.library.connection.prepare.bind(store.library.connection)
    let queries = 0
    store.library.connection.prepare = (sql: string) => {
      queries++
      return prepare(sql)
    }
    const open = async () => (process.platform === 'linux' ? (await readdir('/proc/self/fd')).length : 0)
    const before = await open()
    const all = client.call('library.lineage', {})
    const during = await open()
    const { nodes, edges } = await all
    expect(edges).toHaveLength(FILES * PARENTS)
    expect(nodes).toHaveLength(FILES * PARENTS + FILES)
    expect(edges.every(({ receiptId }) => receiptId !== null)).toBe(true)
    expect(queries).toBeLessThan(10)
    expect(during - before).toBeLessThan(20)
  } finally {
    await close()
  }
})
