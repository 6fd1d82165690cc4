import type { Handlers } from '#shared/rpc/contract.ts'
import { compactPacket } from '../packets/compactPacket.ts'
import { composePackets } from '../packets/composePackets.ts'
import { createdView } from '../packets/createdView.ts'
import { mixPackets } from '../packets/mixPackets.ts'
import { previewMix } from '../packets/previewMix.ts'
import { summaryOf } from '../packets/summaries.ts'
import { receiptView } from '../receipts/receiptView.ts'
import type { EngineState } from './engineState.ts'

type Owned = Extract<keyof Handlers, `remix.${string}`> | 'packets.compact'

export function remixHandlers(state: EngineState): Pick<Handlers, Owned> {
  return {
    'remix.mix': async (input, call) => {
      const { packetId, receipt } = await mixPackets(state, input, call)
      return { cartridge: await summaryOf(state, packetId), receipt: receiptView(receipt) }
    },
    'remix.preview': (input, call) => previewMix(state, input, call),
    'remix.compose': async (input, call) => {
      const { packetId, receipt, tokensProcessed, cacheHit, notes } = await composePackets(state, input, call)
      const cartridge = await summaryOf(state, packetId)
      return { cartridge, receipt: receiptView(receipt), tokensProcessed, cacheHit, notes: [...notes] }
    },
    'packets.compact': async (input, call) => {
      const { created, ...rest } = await compactPacket(state, input, call)
      return { created: await createdView(state, created), ...rest, dropped: [...rest.dropped] }
    },
  }
}
