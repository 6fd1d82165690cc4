/**
 * A process that makes cartridges on the real engine until it is killed: `packetMaker.ts FOLDER SEED [too-early]`. Writes
 * `ack PACKET_ID RECEIPT_ID` to stdout after createPacket or mergePacket has returned; with `too-early` once the model has
 * read the text and before anything is stored, which the test must notice.
 */
import { writeSync } from 'node:fs'
import type { PacketContext } from '#engine/packets/context.ts'
import { createPacket } from '#engine/packets/createPacket.ts'
import { mergePacket } from '#engine/packets/mergePacket.ts'
import { buildManifest } from '#engine/store/manifests.ts'
import { publishPacket } from '#engine/store/publish.ts'
import { openTestEngine } from '../engine/testEngine.ts'
import { seededRandom } from './simulatedDisk.ts'

const [folder = '', seed = '0', when = 'in-time'] = process.argv.slice(2)
const random = seededRandom(Number(seed))
const { engine } = await openTestEngine({ folder, threads: 1 })
const context: PacketContext = engine.state
if (when === 'too-early') {
  const { store } = engine.state
  store.publishPacket = async packet => {
    writeSync(1, `ack ${buildManifest(packet.config, packet.layers).blob.digest} -\n`)
    return publishPacket(store.parts, packet)
  }
}
// What a first use costs is behind us when this is said.
await engine.state.models.load('starter-transformer')
writeSync(1, 'ready\n')

const made: string[] = []
for (let i = 0; ; i++) {
  const fact = `The code of door ${seed}-${i} is ${Math.floor(random() * 1e6)}.\n`
  const parent = random() < 0.5 ? made.at(-1) : undefined
  const text = fact.repeat(1 + Math.floor(random() * 6))
  const { packetId, receipt } =
    parent === undefined
      ? await createPacket(context, { model: 'starter-transformer', sources: [{ name: fact, text }] })
      : await mergePacket(context, { ref: parent, delta: text })
  made.push(packetId)
  if (when === 'in-time') writeSync(1, `ack ${packetId} ${receipt.receipt_id}\n`)
}
