/** A figure about everything counts everything: no page of a list, and no plan where something else runs. */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import type { Database } from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256 } from '#engine/sha256.ts'
import { ASSETS, openTestEngine, type TestEngine } from './testEngine.ts'

/** Statements prepared, and looks into the folder of models, while something runs. */
async function counted<T>(db: Database, run: () => Promise<T>) {
  const { prepare } = db
  const { readdirSync } = fs
  let [queries, scans] = [0, 0]
  const preparing = (sql: string) => {
    queries++
    return prepare.call(db, sql)
  }
  db.prepare = preparing as typeof prepare
  const counting = (...args: Parameters<typeof readdirSync>) => {
    if (String(args[0]) === join(ASSETS, 'models')) scans++
    return readdirSync(...args)
  }
  fs.readdirSync = counting as typeof readdirSync
  syncBuiltinESMExports()
  try {
    return { result: await run(), queries, scans }
  } finally {
    fs.readdirSync = readdirSync
    db.prepare = prepare
    syncBuiltinESMExports()
  }
}

/** More than any page holds. */
const COPIES = 2500
let test: TestEngine

beforeAll(async () => {
  test = await openTestEngine()
})
afterAll(() => test.close())

describe('figures about everything', () => {
  it('name the device that answers, before and after a model ran', async () => {
    const { client } = test
    const planned = await client.call('engine.status', {})
    expect(planned.loadedModels).toEqual([])
    const { cartridge } = await client.call('packets.create', {
      model: 'starter-transformer',
      sources: [{ name: 'tea', text: 'Facts:\nThe tea of Tolan is green.\n' }],
    })
    const answered = await client.call('packets.infer', { ref: cartridge.packetId, delta: 'Tea?', maxNewTokens: 1 })
    const { statement } = await client.call('receipts.get', { id: answered.receipt.receipt_id })
    const runs = await client.call('engine.status', {})
    expect(statement).toMatchObject({ environment: { provider: runs.device } })
    expect(runs.loadedModels).toHaveLength(1)
    expect(planned.device).toBe(runs.device)
  })

  it('count a library of thousands to the last packet, wherever they stand', async () => {
    const { client, engine } = test
    const { items } = await client.call('library.list', {})
    const [original] = items
    if (original === undefined) throw new Error('The cartridge of the test before is not there.')
    const { store: was } = await client.call('engine.status', {})
    const db = engine.state.store.library.connection
    db.function('digestOf', text => sha256(String(text)))
    const copies = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${COPIES})`
    db.exec(
      `INSERT INTO main.packets (packet_id, context_id, dtype, size, added_at, trust, verified)
       ${copies} SELECT digestOf(i), digestOf(-i), dtype, size, added_at, trust, verified FROM n, main.packets WHERE packet_id = '${original.packetId}'`,
    )
    db.exec(
      `INSERT INTO idx.packets (packet_id, title, kind, model, architecture, weights_digest, tokens, bytes, searched)
       ${copies} SELECT digestOf(i), title || i, kind, model, architecture, weights_digest, tokens, bytes, searched FROM n, idx.packets WHERE packet_id = '${original.packetId}'`,
    )
    db.exec(`INSERT INTO main.names ${copies} SELECT 'tea ' || i, digestOf(i), 0 FROM n`)
    const { store } = await client.call('engine.status', {})
    // They have the original's blobs, which lie on the disk once.
    expect(store).toMatchObject({ packets: was.packets + COPIES, bytes: was.bytes })
    expect(was.bytes).toBeGreaterThan(0)
    const { stored, tiers } = await client.call('memory.status', {})
    expect([stored, tiers.find(({ tier }) => tier === 'cold')?.own]).toEqual([store.packets, store.bytes])
    expect((await client.call('library.list', {})).total).toBe(1 + COPIES)

    const rows = async (limit: number) => (await client.call('library.list', { limit })).items.length
    // As much for many rows as for one, and folders are not looked into again where nothing changed.
    const one = await counted(db, () => rows(1))
    expect(one).toMatchObject({ result: 1, scans: 0 })
    expect(await counted(db, () => rows(500))).toEqual({ ...one, result: 500 })
    expect((await counted(db, () => client.call('models.list', {}))).scans).toBe(0)
    const another = async () => {
      const other = await openTestEngine()
      await other.client.call('models.list', {})
      await other.close()
    }
    expect((await counted(db, another)).scans).toBeGreaterThan(0)
  })
})
