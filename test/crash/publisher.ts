/**
 * A process that publishes until it is killed: `publisher.ts FOLDER SEED [too-early]`. It writes `ack PACKET_ID` to stdout
 * after a publication has returned; with `too-early` before it has begun, which the test must notice.
 */
import { writeSync } from 'node:fs'
import { buildManifest } from '#engine/store/manifests.ts'
import { openStore } from '#engine/store/openStore.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { describePacket, testPacket } from './packets.ts'
import { seededRandom } from './simulatedDisk.ts'

const [folder = '', seed = '0', when = 'in-time'] = process.argv.slice(2)
const random = seededRandom(Number(seed))
const store = await openStore(folder, { describe: describePacket })
writeSync(1, 'ready\n')

const made: Digest[] = []
let count = 0

async function publish(): Promise<void> {
  const i = count++
  const packet = testPacket(`${seed}/${i}`, {
    blocks: 1 + Math.floor(random() * 6),
    blockBytes: 500 + Math.floor(random() * 20_000),
  })
  const parent = random() < 0.5 ? made.at(-1) : undefined
  const names = random() < 0.3 ? [`name ${i}`] : []
  // Merge-like: the parent's blocks are shared, the rest is new.
  const shared = parent === undefined ? [] : (await store.readManifest(parent)).layers.slice(0, 2)
  const layers = [...shared, ...packet.layers]
  if (when === 'too-early') writeSync(1, `ack ${buildManifest(packet.config, layers).blob.digest}\n`)
  const { packetId } = await store.publishPacket({ ...packet, layers, names })
  made.push(packetId)
  if (when === 'in-time') writeSync(1, `ack ${packetId}\n`)
}

for (;;) {
  // One alone, or several that enter together.
  await Promise.all(Array.from({ length: 1 + Math.floor(random() * 4) }, publish))
  if (random() < 0.1) await store.gc()
}
