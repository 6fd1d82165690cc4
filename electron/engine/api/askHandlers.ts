import type { Handlers } from '#shared/rpc/contract.ts'
import { ask, askHistory, keepStep } from '../library/ask.ts'
import { resolvePacketId } from '../packets/resolveRef.ts'
import { summaryOf } from '../packets/summaries.ts'
import type { EngineState } from './engineState.ts'

type Owned = Extract<keyof Handlers, `ask.${string}`>

export function askHandlers(state: EngineState): Pick<Handlers, Owned> {
  return {
    'ask.ask': (input, call) => ask(state, input, call),
    'ask.history': async ({ ref }) => ({ steps: askHistory(state, await resolvePacketId(state, ref)) }),
    'ask.clear': async ({ ref }) => {
      const { library } = state.store
      const packetId = await resolvePacketId(state, ref)
      const removed = await state.store.freeing(() => library.asks.clear(packetId))
      library.scrub()
      return { removed }
    },
    'ask.keep': async ({ stepId, name }) => summaryOf(state, keepStep(state, stepId, name)),
  }
}
