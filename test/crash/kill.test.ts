/** G1: kill -9 at random moments of publications. */
import { spawn } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openStore } from '#engine/store/openStore.ts'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'
import { blobsOf } from '#shared/domain/oci.ts'
import { fastFolder } from './fastFolder.ts'
import { describePacket } from './packets.ts'
import { seededRandom } from './simulatedDisk.ts'

const KILLS = process.env.DEEP ? 200 : 15
const PUBLISHER = fileURLToPath(new URL('./publisher.ts', import.meta.url))

interface Killed {
  readonly acknowledged: readonly Digest[]
  /** How many acknowledgements the kill waited for at least. */
  readonly waitedFor: number
}

/**
 * Runs the publisher until a random moment after a random number of publications, or, every fifth time, a random moment
 * after its start. Returns what it had acknowledged when it died.
 */
async function publishUntilKilled(folder: string, seed: number, when = 'in-time'): Promise<Killed> {
  const random = seededRandom(seed)
  const child = spawn(process.execPath, [PUBLISHER, folder, String(seed), when], { stdio: ['ignore', 'pipe', 'pipe'] })
  const anywhere = random() < 0.2
  const waitedFor = anywhere ? 0 : Math.floor(random() * 8)
  const delay = random() * (anywhere ? 400 : 60)
  let out = ''
  let errors = ''
  let isAimed = false
  const aim = () => {
    if (!isAimed) setTimeout(() => child.kill('SIGKILL'), delay)
    isAimed = true
  }
  child.stderr.on('data', chunk => {
    errors += chunk
  })
  child.stdout.on('data', chunk => {
    out += chunk
    if (out.split('\n').length > waitedFor + 1) aim()
  })
  if (anywhere) aim()
  const signal = await new Promise<string | null>(resolve => child.on('close', (_, name) => resolve(name)))
  expect(signal, errors).toBe('SIGKILL')
  const lines = out.split('\n').slice(0, -1)
  return {
    waitedFor,
    acknowledged: lines.filter(line => line.startsWith('ack ')).map(line => parseDigest(line.slice(4))),
  }
}

describe('kill -9', () => {
  it(`at ${KILLS} moments loses nothing acknowledged, shows nothing broken, leaves no temporary file`, {
    timeout: 1_200_000,
  }, async () => {
    const folder = fastFolder('kill-')
    const acknowledged = new Set<Digest>()
    const checked = new Set<Digest>()
    let expected = 0
    try {
      for (let kill = 0; kill < KILLS; kill++) {
        const killed = await publishUntilKilled(folder, kill)
        for (const packetId of killed.acknowledged) acknowledged.add(packetId)
        expected += killed.waitedFor
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
      expect(acknowledged.size).toBeGreaterThanOrEqual(expected)
      expect(expected).toBeGreaterThan(KILLS)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('is noticed when something is acknowledged too early (control)', async () => {
    const folder = fastFolder('kill-')
    try {
      let lost = 0
      for (let kill = 0; kill < 10 && lost === 0; kill++) {
        const { acknowledged } = await publishUntilKilled(folder, kill, 'too-early')
        const store = await openStore(folder, { describe: describePacket })
        lost += acknowledged.filter(packetId => store.library.packets.get(packetId) === null).length
        await store.close()
      }
      expect(lost).toBeGreaterThan(0)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
