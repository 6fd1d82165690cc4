/** kill -9 while states move between memory and disk. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { verifyPacket } from '#engine/packets/verifyPacket.ts'
import { openTestEngine } from '../engine/testEngine.ts'
import { fastFolder } from './fastFolder.ts'
import { untilKilled } from './untilKilled.ts'

const KILLS = process.env.DEEP ? 100 : 4
const MOVER = fileURLToPath(new URL('./stateMover.ts', import.meta.url))

it(`kill -9 at ${KILLS} moments of states going to disk and coming back loses nothing acknowledged`, {
  timeout: 1_800_000,
}, async () => {
  const folder = fastFolder('moves-kill-')
  const acknowledged = new Map<string, string>()
  const verified = new Set<string>()
  const moved = { out: 0, in: 0, gone: 0 }
  try {
    for (let kill = 0; kill < KILLS; kill++) {
      const killed = await untilKilled(MOVER, folder, { seed: kill, lines: 40 })
      for (const [packetId, receiptId] of killed.acknowledged) acknowledged.set(packetId, receiptId)
      const [, out = 0, back = 0, gone = 0] = (killed.lines.findLast(line => line.startsWith('moved')) ?? '')
        .split(' ')
        .map(Number)
      moved.out += out
      moved.in += back
      moved.gone += gone
      const { engine, client, close } = await openTestEngine({ folder })
      const { store, receipts } = engine.state
      try {
        expect(readdirSync(join(folder, 'store', 'tmp'))).toEqual([])
        // What went to disk and was nobody's but the dead process's is let go, and nothing else with it.
        expect(readdirSync(join(folder, 'store', 'unstored'))).toEqual([])
        await client.call('library.gc', { dryRun: false })
        const rows = store.library.packets.all().map(row => row.packetId)
        for (const packetId of acknowledged.keys()) expect(rows, `acknowledged ${packetId}`).toContain(packetId)
        for (const packetId of rows) {
          if (verified.has(packetId) && kill < KILLS - 1) continue
          expect(await verifyPacket(engine.state, { ref: packetId, level: 'intact' })).toMatchObject({ ok: true })
          verified.add(packetId)
        }
        expect(await receipts.verify()).toMatchObject({ break: null })
        for (const [packetId, receiptId] of killed.acknowledged) {
          const { ok, outputs } = await receipts.get(receiptId)
          expect({ ok, digests: outputs.map(({ digest }) => digest) }).toMatchObject({
            ok: true,
            digests: expect.arrayContaining([packetId]),
          })
        }
      } finally {
        await close()
      }
    }
    expect(acknowledged.size).toBeGreaterThan(KILLS)
    expect(moved.out).toBeGreaterThan(KILLS)
    expect(moved.in).toBeGreaterThan(0)
    expect(moved.gone).toBeGreaterThan(0)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
