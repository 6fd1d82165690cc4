import { hexOf } from '#shared/domain/digest.ts'
import type { Handlers } from '#shared/rpc/contract.ts'
import { readDocument } from '../documents/readDocument.ts'
import { autoCompact } from '../packets/autoCompact.ts'
import { createdView } from '../packets/createdView.ts'
import { createPacket } from '../packets/createPacket.ts'
import { createSplit } from '../packets/createSplit.ts'
import { deltaPacket } from '../packets/deltaPacket.ts'
import { estimateText } from '../packets/estimateText.ts'
import { inferPacket } from '../packets/inferPacket.ts'
import { mergePacket } from '../packets/mergePacket.ts'
import { assertModel } from '../packets/openState.ts'
import { cacheLayers, readPacket } from '../packets/packet.ts'
import { resolvePacketId } from '../packets/resolveRef.ts'
import { spotCheck } from '../packets/spotCheck.ts'
import { blobSha256 } from '../packets/stateLayers.ts'
import { summaryOf } from '../packets/summaries.ts'
import { textsOf } from '../packets/textsOf.ts'
import { countText, tokenizeText } from '../packets/tokenizeText.ts'
import { verifyPacket } from '../packets/verifyPacket.ts'
import { receiptView } from '../receipts/receiptView.ts'
import type { EngineState } from './engineState.ts'

type Owned =
  | 'documents.extract'
  | 'packets.estimate'
  | 'packets.create'
  | 'packets.createSplit'
  | 'packets.spotCheck'
  | 'packets.verify'
  | 'packets.tokenize'
  | 'packets.count'
  | 'packets.delta'
  | 'packets.infer'
  | 'packets.merge'
  | 'packets.resolve'

export function packetHandlers(state: EngineState): Pick<Handlers, Owned> {
  return {
    'documents.extract': (file, { signal }) => readDocument(file, signal),
    'packets.estimate': (input, { signal }) => estimateText(state, input, signal),
    'packets.create': async (input, call) => createdView(state, await createPacket(state, input, call)),
    'packets.createSplit': async (input, call) => {
      const parts = await createSplit(state, input, call)
      return { parts: await Promise.all(parts.map(part => createdView(state, part))) }
    },
    'packets.spotCheck': ({ ref }, call) => spotCheck(state, ref, call),
    'packets.verify': (input, call) => verifyPacket(state, input, call),
    'packets.tokenize': input => tokenizeText(state, input),
    'packets.count': input => countText(state, input),
    'packets.delta': input => deltaPacket(state, input),
    'packets.infer': (input, { signal, progress, send }) =>
      inferPacket(state, input, { signal, progress, answering: (text, of) => send({ text, of }) }),
    'packets.merge': async (input, call) => {
      const merged = await mergePacket(state, input, call)
      const { packetId } = merged
      const folded = await autoCompact(state, { packetId, policy: state.settings.get().compaction }, call)
      const view = await createdView(state, merged)
      if (folded === null) return { ...view, compacted: false, compactReceipt: null }
      const { created } = folded
      return {
        ...view,
        cartridge: await summaryOf(state, created.packetId),
        tokensProcessed: view.tokensProcessed + created.tokensProcessed,
        seconds: view.seconds + created.seconds,
        bytesWritten: view.bytesWritten + created.bytesWritten,
        compacted: true,
        compactReceipt: receiptView(created.receipt),
      }
    },
    'packets.resolve': async ({ ref, model }) => {
      const packetId = await resolvePacketId(state, ref, model)
      const packet = await readPacket(state.blobs, packetId)
      if (model !== undefined) await assertModel(state, packet, model)
      const texts = await textsOf(state, packet)
      return {
        packetId,
        contextId: packet.contextId,
        texts,
        blobSha256: hexOf(blobSha256(packet.config)),
        blobBytes: cacheLayers(packet).reduce((sum, { size }) => sum + size, 0),
        names: state.store.library.packets.names.of(packetId),
        cartridge: await summaryOf(state, packetId),
      }
    },
  }
}
