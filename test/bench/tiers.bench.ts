/**
 * What a tier gives up when it is full: the product's choice against LRU, on one trace at the same bytes. Then real states
 * in tiers: a session of `--steps N` (1,024) steps with memory for `--window N` (64) of them, and `--mamba N` (100,000) tokens of a
 * recurrent model, read 64 at a time; `--full`: written one by one, each the likeliest after those before.
 */
import { parseArgs } from 'node:util'
import { BLOCK_TOKENS } from '#engine/inference/stateSnapshot.ts'
import { row, STARTERS } from './benchEngine.ts'
import { branchyTrace } from './branchyTrace.ts'
import { measureTimeline } from './inOwnProcess.ts'
import { lruKeeper, readOnce, tierKeeper, tokensReread } from './replayTrace.ts'
import { compareSpeed, withSessionApart } from './sessionApart.ts'

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '1024' },
    window: { type: 'string', default: '64' },
    mamba: { type: 'string', default: '100000' },
    full: { type: 'boolean', default: false },
  },
})
const [steps, window, mambaSteps] = [values.steps, values.window, values.mamba].map(Number) as [number, number, number]

const KINDS = {
  'recurrent, 1.36 MB a state': { kept: { perState: 1_357_568 }, room: 1_357_568 },
  'keys and values, 1 kB a token': { kept: { perToken: 1024 }, room: 300 * 1024 },
} as const

const trace = branchyTrace()
console.table(
  Object.entries(KINDS).flatMap(([kind, { kept, room }]) =>
    [8, 12, 16, 24, 48].map(states => {
      const budget = states * room
      const ours = tokensReread(trace, tierKeeper(budget), { kept })
      const lru = tokensReread(trace, lruKeeper(budget), { kept, deepestFirst: false })
      const [deepest = 0, least = 0] = [lruKeeper(budget), readOnce()].map(keeper =>
        tokensReread(trace, keeper, { kept }),
      )
      const ratios = { ratio: lru / ours, 'to LRU, deepest first': deepest / ours, 'at most': lru / least }
      return row({ kind, 'budget MB': budget / 1e6, 'tokens read': ours, 'with LRU': lru, ...ratios })
    }),
  ),
)

const rows = []
for (const model of STARTERS) {
  const all = await withSessionApart({ model }, session => session.ask({ what: 'memory', steps }))
  const budget = (all.counted * window) / steps
  // The buffers that a session runs in are needed however few of its states are kept; those it has outgrown are not.
  const budgets = { hot: Math.min(all.buffers, budget), warm: Math.max(0, budget - all.buffers) }
  const tiered = await withSessionApart({ model, budgets }, async ({ ask }) => ({
    ...(await ask({ what: 'memory', steps })),
    // Each is gone to once, the newest first: what has to be read then pushes out what comes later.
    warm: await ask({ what: 'rewind', from: steps - 16, to: steps }),
    cold: await ask({ what: 'rewind', from: (steps >> 2) - 16, to: steps >> 2 }),
  }))
  const { warm, cold } = tiered
  // From new states on: those that are there already would not leave memory again.
  const speed = await withSessionApart({ model }, first =>
    withSessionApart({ model, budgets }, async second => {
      const filling = Math.min(2 * window, steps >> 1)
      for (const { ask } of [first, second]) for (let step = 0; step < filling; step++) await ask({ what: 'step' })
      return compareSpeed([first, second], steps - filling)
    }),
  )
  rows.push(
    row({
      model,
      'all in memory MB': all.counted / 1e6,
      'window %': (100 * tiered.counted) / all.counted,
      'peak / budget': tiered.counted / budget,
      'held / counted': tiered.held / tiered.counted,
      'back, warm ms': warm.ms,
      'back, cold ms': cold.ms,
      'cold / warm': cold.ms / warm.ms,
      'layers read warm': warm.misses,
      'layers read cold': cold.misses,
      'speed, tiered / not': speed.clock,
      'by processor time': speed.processor,
    }),
  )
}
console.log(`${steps} states of a session, memory for ${window} of them (${(100 * window) / steps} %):`)
console.table(rows)
console.log('Aims: window <= 7 % at 64 of 1,024; peak / budget <= 1.05; cold / warm <= 3; speed >= 0.95.')

const { rows: found } = await measureTimeline({ steps: mambaSteps, atOnce: values.full ? 1 : BLOCK_TOKENS })
console.log(`${mambaSteps} steps of starter-mamba, a checkpoint every 64, fewer the older:`)
console.table(found.map(row))
