/** kill -9 at random moments of createPacket and mergePacket on the real engine. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { createPacket } from '#engine/packets/createPacket.ts'
import { verifyPacket } from '#engine/packets/verifyPacket.ts'
import { openTestEngine } from '../engine/testEngine.ts'
import { fastFolder } from './fastFolder.ts'
import { untilKilled } from './untilKilled.ts'

const KILLS = process.env.DEEP ? 200 : 10
const MAKER = fileURLToPath(new URL('./packetMaker.ts', import.meta.url))

describe('kill -9 while making and merging cartridges', () => {
  it(`at ${KILLS} moments loses nothing acknowledged, shows nothing corrupt, and goes on`, {
    timeout: 1_800_000,
  }, async () => {
    const folder = fastFolder('engine-kill-')
    const acknowledged = new Map<string, string>()
    const verified = new Set<string>()
    try {
      for (let kill = 0; kill < KILLS; kill++) {
        for (const [packetId, receiptId] of (await untilKilled(MAKER, folder, { seed: kill })).acknowledged)
          acknowledged.set(packetId, receiptId)
        const { engine, close } = await openTestEngine({ folder })
        const { store, receipts } = engine.state
        try {
          expect(readdirSync(join(folder, 'store', 'tmp'))).toEqual([])
          const rows = store.library.packets.all().map(row => row.packetId)
          for (const packetId of acknowledged.keys()) expect(rows, `acknowledged ${packetId}`).toContain(packetId)
          // All that is visible is whole: every byte matches its digest, and config, layers and shapes agree.
          for (const packetId of rows) {
            if (verified.has(packetId) && kill < KILLS - 1) continue
            expect(await verifyPacket(engine.state, { ref: packetId, level: 'intact' })).toMatchObject({ ok: true })
            verified.add(packetId)
          }
          expect(await receipts.verify()).toMatchObject({ break: null, count: receipts.count })
          for (const [packetId, receiptId] of acknowledged)
            expect(await receipts.get(receiptId)).toMatchObject({ packet_id: packetId, ok: true })
          // Every visible packet has the receipt of its making.
          for (const packetId of rows) expect(await receipts.vouchesFor(packetId)).toBe(true)
          const text = `The light of tower ${kill} is green.\n`
          const next = await createPacket(engine.state, {
            model: 'starter-transformer',
            sources: [{ name: `after ${kill}`, text }],
          })
          expect(next).toMatchObject({ cacheHit: false })
          acknowledged.set(next.packetId, next.receipt.receipt_id)
        } finally {
          await close()
        }
      }
      expect(acknowledged.size).toBeGreaterThan(2 * KILLS)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('is noticed when a cartridge is acknowledged before it is durable (control)', async () => {
    const folder = fastFolder('engine-kill-')
    try {
      let lost = 0
      for (let kill = 100; kill < 120 && lost === 0; kill++) {
        const { acknowledged } = await untilKilled(MAKER, folder, { seed: kill, when: 'too-early' })
        const { engine, close } = await openTestEngine({ folder })
        const rows = new Set<string>(engine.state.store.library.packets.all().map(row => row.packetId))
        lost += [...acknowledged.keys()].filter(packetId => !rows.has(packetId)).length
        await close()
      }
      expect(lost).toBeGreaterThan(0)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
