import type { Handlers } from '#shared/rpc/contract.ts'
import { comparePackets, whyMiss } from '../packets/comparePackets.ts'
import { inspectPacket } from '../packets/inspectPacket.ts'
import { prove } from '../packets/prove.ts'
import { heatmap, tensorValues } from '../packets/tensorViews.ts'
import type { EngineState } from './engineState.ts'

type Owned =
  | 'packets.inspect'
  | 'packets.heatmap'
  | 'packets.tensor'
  | 'packets.compare'
  | 'packets.whyMiss'
  | 'packets.prove'

export function inspectHandlers(state: EngineState): Pick<Handlers, Owned> {
  return {
    'packets.inspect': ({ ref }) => inspectPacket(state, ref),
    'packets.heatmap': input => heatmap(state, input),
    'packets.tensor': input => tensorValues(state, input),
    'packets.compare': refs => comparePackets(state, refs),
    'packets.whyMiss': input => whyMiss(state, input),
    'packets.prove': (input, call) => prove(state, input, call),
  }
}
