/** G1: kill -9 at random moments of publications. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openStore } from '#engine/store/openStore.ts'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'
import { blobsOf } from '#shared/domain/oci.ts'
import { describePacket } from './packets.ts'
import { seededRandom } from './simulatedDisk.ts'

const KILLS = process.env.DEEP ? 200 : 15
const PUBLISHER = fileURLToPath(new URL('./publisher.ts', import.meta.url))

/** Runs the publisher until a random moment after its start; returns what it had acknowledged when it died. */
async function publishUntilKilled(folder: string, seed: number): Promise<Digest[]> {
  const random = seededRandom(seed)
  const child = spawn(process.execPath, [PUBLISHER, folder, String(seed)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let errors = ''
  child.stderr.on('data', chunk => {
    errors += chunk
  })
  const exit = new Promise<string | null>(resolve => child.on('close', (_, signal) => resolve(signal)))
  child.stdout.on('data', chunk => {
    const isFirst = out === ''
    out += chunk
    if (isFirst) setTimeout(() => child.kill('SIGKILL'), random() * 250)
  })
  // A kill during the opening, too.
  if (random() < 0.2) setTimeout(() => child.kill('SIGKILL'), random() * 400)
  expect(await exit, errors).toBe('SIGKILL')
  const lines = out.split('\n').slice(0, -1)
  return lines.filter(line => line.startsWith('ack ')).map(line => parseDigest(line.slice(4)))
}

describe('kill -9', () => {
  it(`at ${KILLS} moments loses nothing acknowledged, shows nothing broken, leaves no temporary file`, {
    timeout: 1_200_000,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kill-'))
    const acknowledged = new Set<Digest>()
    const checked = new Set<Digest>()
    try {
      for (let kill = 0; kill < KILLS; kill++) {
        for (const packetId of await publishUntilKilled(folder, kill)) acknowledged.add(packetId)
        const store = await openStore(folder, { describe: describePacket })
        try {
          expect(readdirSync(join(folder, 'tmp'))).toEqual([])
          const visible: Digest[] = []
          for (let offset = 0, more = true; more; offset += 500) {
            const { items } = await store.list({ sort: 'created', offset, limit: 500 })
            visible.push(...items.map(item => item.packetId))
            more = items.length === 500
          }
          expect(visible).toHaveLength(store.library.packets.all().length)
          const seen = new Set(visible)
          for (const packetId of acknowledged) expect(seen.has(packetId), `acknowledged: ${packetId}`).toBe(true)
          for (const packetId of visible) {
            for (const blob of blobsOf(await store.readManifest(packetId))) {
              // Re-hashed once in every round it may have been touched in, and all of them at the end.
              if (checked.has(blob.digest) && kill < KILLS - 1) continue
              await store.blobs.check(blob)
              checked.add(blob.digest)
            }
          }
        } finally {
          await store.close()
        }
      }
      expect(acknowledged.size).toBeGreaterThan(KILLS)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
