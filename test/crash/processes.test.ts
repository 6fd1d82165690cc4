/** G10: several real processes with mixed operations, gc without grace among them, on one store. */
import { spawn } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openStore } from '#engine/store/openStore.ts'
import { parseDigest } from '#shared/domain/digest.ts'
import { blobsOf } from '#shared/domain/oci.ts'
import { fastFolder } from './fastFolder.ts'
import { describePacket } from './packets.ts'

const [PROCESSES, OPERATIONS] = process.env.DEEP ? [8, 2000] : [4, 60]
const MIXER = fileURLToPath(new URL('./mixer.ts', import.meta.url))

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly errors: string
}

function mix(folder: string, seed: number): Promise<Ended> {
  const child = spawn(process.execPath, [MIXER, folder, String(seed), String(OPERATIONS)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let errors = ''
  child.stdout.on('data', chunk => {
    out += chunk
  })
  child.stderr.on('data', chunk => {
    errors += chunk
  })
  return new Promise(resolve => child.on('close', code => resolve({ code, out, errors })))
}

describe('many processes', () => {
  it(`${PROCESSES} at once: nothing lost, no torn read, nothing live collected`, { timeout: 3_600_000 }, async () => {
    const folder = fastFolder('processes-')
    try {
      const ends = await Promise.all(Array.from({ length: PROCESSES }, (_, seed) => mix(folder, seed)))
      for (const { code, errors } of ends) expect(code, errors).toBe(0)
      const lines = ends.flatMap(({ out }) => out.split('\n'))
      const ids = (word: string) =>
        lines.filter(line => line.startsWith(word)).map(line => parseDigest(line.slice(word.length)))
      const removed = new Set(ids('removed '))
      const kept = ids('ack ').filter(packetId => !removed.has(packetId))
      expect(kept.length).toBeGreaterThan(OPERATIONS / 4)

      const store = await openStore(folder, { describe: describePacket })
      try {
        const rows = store.library.packets.all()
        const present = new Set(rows.filter(row => row.removedAt === null).map(row => row.packetId))
        for (const packetId of kept) expect(present.has(packetId)).toBe(true)
        for (const { packetId } of rows) {
          for (const blob of blobsOf(await store.readManifest(packetId))) await store.blobs.check(blob)
        }
        const contexts = rows.filter(row => row.removedAt === null).map(row => row.contextId)
        expect(new Set(contexts).size).toBe(contexts.length)
        expect((await store.list()).total).toBe(present.size)
        expect(readdirSync(join(folder, 'tmp'))).toEqual([])
      } finally {
        await store.close()
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
