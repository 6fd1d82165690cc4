/**
 * A process that does mixed operations on a store others use too: `mixer.ts FOLDER SEED COUNT`. Prints `ack ID` and
 * `removed ID`; exits 1 with a sentence at the first torn read, lost packet or untyped error.
 */
import { writeSync } from 'node:fs'
import { openStore } from '#engine/store/openStore.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { blobsOf } from '#shared/domain/oci.ts'
import { describePacket, testPacket } from './packets.ts'
import { seededRandom } from './simulatedDisk.ts'

const [folder = '', seed = '0', count = '10'] = process.argv.slice(2)
const random = seededRandom(Number(seed))
const store = await openStore(folder, { describe: describePacket })
// gc reads every manifest: rarer in long runs, or it is all they do.
const GC_SHARE = Math.max(0.005, 3.6 / Number(count))
const mine: Digest[] = []

async function publish(i: number): Promise<void> {
  // A quarter of the contexts are shared by all processes: they race for them.
  const label = random() < 0.25 ? `common/${Math.floor(random() * 40)}` : `${seed}/${i}`
  const packet = testPacket(label, { blocks: 1 + Math.floor(random() * 4), blockBytes: 2000 })
  const { packetId, cacheHit } = await store.publishPacket(packet)
  if (cacheHit) return
  if (label.startsWith('common')) return
  mine.push(packetId)
  writeSync(1, `ack ${packetId}\n`)
}

async function readSome(): Promise<void> {
  const { items, total } = await store.list({ sort: 'created', limit: 3, offset: Math.floor(random() * 20) })
  if (total === 0 && mine.length > 0) throw new Error('The list is empty.')
  for (const { packetId } of items) {
    for (const blob of blobsOf(await store.readManifest(packetId))) await store.blobs.check(blob)
  }
}

function removeOne(): void {
  const packetId = mine.shift()
  if (packetId === undefined) return
  store.library.packets.remove([packetId], Date.now())
  writeSync(1, `removed ${packetId}\n`)
}

function decide(i: number): void {
  const packetId = mine.at(-1)
  if (packetId === undefined) return
  store.library.packets.setTags(packetId, [`t${i % 3}`])
  store.library.packets.names.rename(packetId, `${seed}/${i}`, Date.now())
}

try {
  for (let i = 0; i < Number(count); i++) {
    const dice = random()
    if (dice < 0.5) await publish(i)
    else if (dice < 0.75) await readSome()
    else if (dice < 0.82) removeOne()
    else if (dice < 1 - GC_SHARE) decide(i)
    // No grace at all: a blob is safe only through the order of things.
    else await store.gc({ graceMs: 0 })
  }
  await store.close()
} catch (error) {
  const code = error instanceof StatePackError ? error.code : 'untyped'
  writeSync(2, `${code}: ${error instanceof Error ? error.stack : error}\n`)
  process.exit(1)
}
