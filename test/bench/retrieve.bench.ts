/** Which cartridge a question is about: 60 questions over 20 cartridges, 20 that none answers, with both starters. */
import { dispatch } from '#hosts/dispatch/dispatch.ts'
import { createInProcessTransport } from '#hosts/dispatch/inProcessTransport.ts'
import { createEventHub } from '#hosts/eventHub.ts'
import { createClient } from '#shared/rpc/client.ts'
import { readShelf } from '../engine/library/retrieval/readShelf.ts'
import { row, STARTERS, withBenchEngine } from './benchEngine.ts'
import { median } from './median.ts'

const { cartridges, unanswered } = await readShelf()
const rows: ReturnType<typeof row>[] = []
for (const model of STARTERS) {
  await withBenchEngine(async engine => {
    const client = createClient(createInProcessTransport(dispatch(engine.handlers), createEventHub()))
    const times: number[] = []
    const choose = async (question: string) => {
      const start = performance.now()
      const { chosen, candidates } = await client.call('library.suggest', { question })
      times.push(performance.now() - start)
      return { chosen, first: candidates[0]?.cartridge.packetId }
    }
    const ids = []
    for (const { name, text } of cartridges) {
      const sources = [{ name: `${name}.txt`, text }]
      ids.push((await client.call('packets.create', { model, name, sources })).cartridge.packetId)
    }
    let right = 0
    let first = 0
    let asked = 0
    for (const [place, { questions }] of cartridges.entries()) {
      for (const question of questions) {
        const found = await choose(question)
        asked++
        if (found.chosen === ids[place]) right++
        if (found.first === ids[place]) first++
        if (found.chosen !== ids[place]) console.log(`missed: ${question}`)
      }
    }
    let abstained = 0
    for (const question of unanswered) {
      if ((await choose(question)).chosen === null) abstained++
      else console.log(`not abstained: ${question}`)
    }
    rows.push(
      row({
        model,
        'right cartridge first': `${first} of ${asked}`,
        'and chosen': `${right} of ${asked}`,
        abstained: `${abstained} of ${unanswered.length}`,
        'median ms': median(times),
      }),
    )
  })
}
console.table(rows)
