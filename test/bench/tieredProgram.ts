/** A session of many steps in an engine of its own, for the process that asks for it: see sessionApart.ts. */
import { withBenchEngine } from './benchEngine.ts'
import { beginSession, measureMemory, measureRewind } from './tieredSession.ts'
import { timed } from './timed.ts'

export interface TieredAnswers {
  /** So many steps: see {@link measureMemory}. */
  memory: { readonly counted: number; readonly buffers: number; readonly held: number }
  /** Going back to the states `from` to `to`, the newest first: see {@link measureRewind}. */
  rewind: { readonly ms: number; readonly misses: number }
  /** One step: milliseconds, and those of all its threads since the step before. */
  step: { readonly clock: number; readonly processor: number }
  end: 'ended'
}

export type TieredQuestion =
  | { readonly what: 'memory'; readonly steps: number }
  | { readonly what: 'rewind'; readonly from: number; readonly to: number }
  | { readonly what: 'step' }
  | { readonly what: 'end' }

const { model, budgets } = JSON.parse(process.argv[2] ?? '{}')

await withBenchEngine(async engine => {
  const session = await beginSession(engine, model, budgets)
  let used = process.cpuUsage()
  const answer = async (question: TieredQuestion): Promise<TieredAnswers[keyof TieredAnswers]> => {
    if (question.what === 'memory') return measureMemory(session, question.steps)
    if (question.what === 'rewind') {
      await engine.state.live.unstored.settle()
      return measureRewind(engine, session.checkpoints.slice(question.from, question.to).reverse())
    }
    if (question.what === 'end') return 'ended'
    const [clock] = await timed(() => session.step())
    const { user, system } = process.cpuUsage(used)
    used = process.cpuUsage()
    return { clock, processor: (user + system) / 1000 }
  }
  await new Promise<void>(done => {
    process.on('message', async (question: TieredQuestion) => {
      process.send?.(await answer(question))
      if (question.what === 'end') done()
    })
    process.send?.('ready')
  })
})
process.disconnect()
