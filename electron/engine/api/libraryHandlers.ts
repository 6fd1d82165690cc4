import type { Digest } from '#shared/domain/digest.ts'
import type { Handlers } from '#shared/rpc/contract.ts'
import { purgeConversations } from '../library/conversations.ts'
import { exampleQuestions } from '../library/exampleQuestions.ts'
import { lineage } from '../library/lineage.ts'
import { indexWords, suggest } from '../library/suggest.ts'
import { readDocuments, readPacket } from '../packets/packet.ts'
import { resolvePacketId } from '../packets/resolveRef.ts'
import { signerInWords, storedSignatures, trustCartridge } from '../packets/signatures.ts'
import { cartridgeSummary, summaryOf } from '../packets/summaries.ts'
import type { CollectionRow } from '../store/library/collectionRows.ts'
import { collectionView } from './collectionView.ts'
import type { EngineState } from './engineState.ts'

type Owned = Extract<keyof Handlers, `library.${string}`>

export function libraryHandlers(state: EngineState): Pick<Handlers, Owned> {
  const { store } = state
  const { collections } = store.library
  const viewOf = (row: CollectionRow | null) => (row === null ? null : collectionView(store, row))
  return {
    'library.list': async (query, { signal }) => {
      const { models, live } = state
      const { model } = query
      if (query.query !== '') await indexWords(state)
      let installed = models.installed()
      // What an installed model can run is told by its weights, whatever it was called where the cartridges were made.
      if (model !== undefined && !installed.weights.has(model)) {
        await models.open(model, signal).catch(() => undefined)
        installed = models.installed()
      }
      const { items, total, facets } = await store.list({ ...query, named: true, weights: installed.weights })
      const rows = query.stacked ? collections.list() : []
      const stackOf = (packetId: Digest) => rows.find(({ packetIds }) => packetIds.includes(packetId)) ?? null
      return {
        items: await Promise.all(
          items.map(async item => ({
            ...(await cartridgeSummary({ installed, live }, item)),
            stack: viewOf(stackOf(item.packetId)),
          })),
        ),
        total,
        facets: {
          all: facets.all,
          kind: { ...facets.kind },
          model: { ...facets.model },
          trust: { ...facets.trust },
          verified: { ...facets.verified },
          tag: { ...facets.tag },
        },
      }
    },
    'library.get': async ({ ref }) => {
      const packetId = await resolvePacketId(state, ref)
      const packet = await readPacket(store.blobs, packetId)
      const documents = await readDocuments(store.blobs, packet)
      const usage = store.library.usage.get(packetId)
      const { total: receipts } = await state.receipts.list({ about: packetId, limit: 1 })
      const { names } = store.library.packets
      const collection = collections.of(packetId)
      return {
        summary: await summaryOf(state, packetId),
        collection: viewOf(collection),
        names: names.of(packetId),
        card: documents.card,
        signedBy: signerInWords(await storedSignatures(state, packetId)),
        recipe: documents.recipe,
        sources: documents.sources.map(({ digest, name, text, bytes }) => ({ digest, name, text, bytes })),
        config: packet.config,
        parents: packet.config.parents.map(parent => ({
          packetId: parent.packetId,
          name: names.of(parent.packetId)[0] ?? null,
          op: parent.op,
        })),
        usage: { asks: usage?.asks ?? 0, tokensSaved: usage?.tokensSaved ?? 0, secondsSaved: usage?.secondsSaved ?? 0 },
        exampleQuestions: exampleQuestions(documents.card),
        receipts,
      }
    },
    'library.update': async ({ packetId, name, otherNames, tags, pinned }) => {
      const { packets } = store.library
      if (name !== undefined) {
        packets.names.rename(packetId, name, Date.now())
      }
      if (otherNames !== undefined) packets.names.setOthers(packetId, otherNames, Date.now())
      if (name !== undefined || otherNames !== undefined) {
        store.index.words.forget(packetId)
        store.touchIndexFile()
      }
      if (tags !== undefined) packets.setTags(packetId, tags)
      if (pinned !== undefined) packets.setPinned(packetId, pinned)
      state.changed([packetId])
      return summaryOf(state, packetId)
    },
    'library.trust': async ({ packetId }) => {
      await trustCartridge(state, packetId)
      state.changed([packetId])
      return summaryOf(state, packetId)
    },
    'library.delete': async ({ packetIds }) => {
      const deleted = await store.freeing(() => store.library.packets.remove(packetIds, Date.now()))
      store.touchIndexFile()
      state.changed(packetIds)
      return { deleted }
    },
    'library.restore': async ({ packetIds }) => {
      const restored = store.library.packets.restore(packetIds)
      store.touchIndexFile()
      state.changed(packetIds)
      return { restored }
    },
    'library.gc': async options => {
      if (!options.dryRun) purgeConversations(store, Date.now())
      const { packets, blobs, bytes, dryRun } = await store.gc({ ...options, keep: state.live.unstored.liveDigests() })
      if (!dryRun && packets > 0) state.changed([])
      return { packets, blobs, bytes, dryRun }
    },
    'library.suggest': (input, call) => suggest(state, input, call),
    'library.lineage': ({ ref }) => lineage(state, ref),
  }
}
