/** Transfers that are killed at random points go on where they were, and what arrives is what was sent. */
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { bundledText, exported, openTestEngine } from '../testEngine.ts'
import { startTestRegistry, type TestRegistry } from './testRegistry.ts'

/** Of each round, in which a registry and a library are filled anew. */
const KILLS = { push: 3, pull: 2 }
const ROUNDS = process.env.DEEP ? 10 : 1
const CHILD = join(import.meta.dirname, 'transferChild.ts')

let folder: string
let registry: TestRegistry
let packetId: string
let file: Uint8Array
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'statepack-killed-'))
  const here = await openTestEngine({ folder: join(folder, 'push') })
  const { text, title } = await bundledText('card-station')
  const sources = [{ name: title, text }]
  packetId = (await here.client.call('packets.create', { model: 'starter-transformer', sources })).cartridge.packetId
  file = await exported(here.client, { ref: packetId })
  await here.close()
})
beforeEach(async () => {
  registry = await startTestRegistry()
  await rm(join(folder, 'pull'), { recursive: true, force: true })
})
afterEach(() => registry.close())
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** Runs a process that transfers, and kills it once `most` bytes have gone through the registry. Returns how many did. */
async function killAfter(most: number, way: 'push' | 'pull'): Promise<number> {
  const args = [CHILD, join(folder, way), way, packetId, place()]
  const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'statepack-compile-cache') }
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
  const moved = counting(bytes => bytes >= most && child.kill('SIGKILL'))
  const signal = await new Promise(resolve => child.on('close', (_, how) => resolve(how)))
  expect(signal).toBe('SIGKILL')
  return moved()
}

/** Blobs and parts of blobs. */
async function bytesIn(folder: string): Promise<number> {
  const names = (await readdir(folder)).filter(name => /^[0-9a-f]{64}/.test(name))
  const sizes = await Promise.all(names.map(async name => (await stat(join(folder, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

const place = () => `${registry.host}/me/notes:v1`

function counting(onBytes: (bytes: number) => void = () => {}): () => number {
  let bytes = 0
  registry.onBytes = more => {
    bytes += more
    onBytes(bytes)
  }
  return () => bytes
}

it.each(Array.from({ length: ROUNDS }, (_, round) => round))(
  'what is killed again and again goes on, and ends byte for byte (%i)',
  async round => {
    const random = xoroshiro128plus(20261127 + round)
    for (const way of ['push', 'pull'] as const) {
      for (let kill = 0; kill < KILLS[way]; kill++)
        await killAfter(uniformInt(random, 1, Math.floor(file.byteLength / KILLS[way] / 2)), way)
      const arrived = way === 'push' ? registry.received() : await bytesIn(join(folder, 'pull', 'store', 'incoming'))
      const engine = await openTestEngine({ folder: join(folder, way) })
      const moved = counting()
      if (way === 'push') await engine.client.call('share.push', { ref: packetId, to: place() })
      else await engine.client.call('packets.import', { from: place() })
      // What had arrived is not sent again, but for what a registry does not go on with: less than a chunk of each lane.
      const lost = way === 'push' ? KILLS.push * 4 * 8192 : 0
      expect(moved(), way).toBeLessThanOrEqual(file.byteLength - arrived + lost)
      const chunks: Uint8Array[] = []
      for await (const chunk of engine.engine.state.store.exportCartridge(packetId as never)) chunks.push(chunk)
      expect(Buffer.compare(Buffer.concat(chunks), file)).toBe(0)
      await engine.close()
    }
  },
)
