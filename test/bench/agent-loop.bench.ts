/** Re-reading everything at each step against state plus delta: 40 steps on both starters, in State Pack's counting and honestly. */

import { join } from 'node:path'
import { tokenizerOf } from '#engine/packets/composeText.ts'
import { runAgentLoop } from '#engine/savings/agentLoop.ts'
import { AGENT_LOOP } from '#engine/savings/loopTexts.ts'
import { openStateDisk } from '#engine/savings/stateDisk.ts'
import { row, STARTERS, withBenchEngine } from './benchEngine.ts'

await withBenchEngine(async ({ state }) => {
  const rows = []
  for (const id of STARTERS) {
    const { model, runtime } = await state.models.load(id)
    for (const variant of ['state-pack', 'honest'] as const) {
      const disk = openStateDisk(join(state.store.folder, 'tmp', `${id}-${variant}`))
      const loop = { runtime, tokenizer: tokenizerOf(model), contextLength: model.contextLength, disk }
      const { tokens, seconds } = await runAgentLoop(loop, { texts: AGENT_LOOP, steps: 40, variant })
      rows.push(
        row({
          model: id,
          variant,
          'tokens naive': tokens.naive,
          'tokens state': tokens.state,
          'saved %': tokens.savedPercent,
          'seconds naive': seconds.naive,
          'seconds state': seconds.state,
          ratio: seconds.speedup,
        }),
      )
    }
  }
  console.table(rows)
})
