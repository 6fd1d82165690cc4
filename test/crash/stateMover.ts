/**
 * A process in which states move between memory and disk all the time, until it is killed: `stateMover.ts FOLDER SEED`. Its
 * memory has room for hardly one, so every state that nobody stored goes to disk, where there is room for a few, and whatever is
 * asked for comes back from there. Writes `ack PACKET_ID RECEIPT_ID` for what is stored, and
 * `moved OUT IN GONE` after each that found its state.
 */
import { writeSync } from 'node:fs'
import { createPacket } from '#engine/packets/createPacket.ts'
import { openTestEngine } from '../engine/testEngine.ts'
import { seededRandom } from './simulatedDisk.ts'

const [folder = '', seed = '0'] = process.argv.slice(2)
const random = seededRandom(Number(seed))
const { engine, client } = await openTestEngine({ folder, threads: 1 })
const { state } = engine
const { live } = state
live.hot.budget = 0
live.warm.budget = 64 * 1024
// The disk has room for a few of them, so there is always something given up, too.
const { own } = await live.coldBudget.refresh()
await live.coldBudget.set(own + 8 * 1024 ** 2)
const models = ['starter-transformer', 'starter-mamba']
for (const model of models) await state.models.load(model)
writeSync(1, 'ready\n')

/** States to go on from: of stored ones the packet_id, of the others the context_id. */
const known: string[] = []
for (let i = 0; ; i++) {
  const model = models[i % 2] ?? ''
  const fact = `The code of door ${seed}-${i} is ${Math.floor(random() * 1e6)}.\n`
  if (known.length < 4) {
    const { packetId, receipt } = await createPacket(state, {
      model,
      sources: [{ name: fact, text: fact.repeat(1 + Math.floor(random() * 5)) }],
    })
    writeSync(1, `ack ${packetId} ${receipt.receipt_id}\n`)
    known.push(packetId)
  } else {
    // What grew in memory is now and then stored, with what only memory, or the disk by then, has of its parents.
    const persist = random() < 0.3 ? 'durable' : 'memory'
    const ref = known[Math.floor(random() * known.length)]
    const grown = { ref, delta: fact, persist, keepOutput: true, maxNewTokens: 2 } as const
    const answer = await client.call('packets.infer', grown).catch(error => {
      if (error.code !== 'E_NOT_FOUND') throw error
      return null
    })
    if (answer === null) {
      known.splice(known.indexOf(ref ?? ''), 1)
      continue
    }
    const { newContextId, newPacketId, receipt } = answer
    if (newPacketId !== null) writeSync(1, `ack ${newPacketId} ${receipt.receipt_id}\n`)
    known.push(newPacketId ?? newContextId)
    if (known.length > 12) known.shift()
  }
  const moves = live.moves.recent()
  const out = moves.filter(({ to }) => to === 'cold').length
  const gone = moves.filter(({ from, to }) => from === 'cold' && to === 'gone').length
  writeSync(1, `moved ${out} ${live.blocks.misses + live.snapshots.misses} ${gone}\n`)
}
