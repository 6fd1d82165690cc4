import { StatePackError } from '#shared/domain/error.ts'
import type { Handlers } from '#shared/rpc/contract.ts'
import { summaryOf } from '../packets/summaries.ts'
import type { CollectionRow } from '../store/library/collectionRows.ts'
import { collectionView } from './collectionView.ts'
import type { EngineState } from './engineState.ts'

type Owned = Extract<keyof Handlers, `collections.${string}`>

export function collectionHandlers(state: EngineState): Pick<Handlers, Owned> {
  const { store } = state
  const { collections, packets } = store.library
  const view = (row: CollectionRow) => collectionView(store, row)
  return {
    'collections.list': async () => ({ collections: collections.list().map(view) }),
    'collections.get': async ({ id }) => {
      const row = collections.get(id)
      const members = await Promise.all(row.packetIds.map(packetId => summaryOf(state, packetId)))
      return { ...view(row), members }
    },
    'collections.save': async ({ id, name, packetIds }) => {
      const owner = name === undefined ? null : packets.names.named(name)
      if (owner !== null)
        throw new StatePackError('E_CONFLICT', `A cartridge is called "${name}".`, {
          name: name ?? '',
          packetId: owner,
        })
      const before = collections.find(id)?.packetIds ?? []
      const row = collections.save(id, { name, packetIds }, Date.now())
      state.changed([...new Set([...before, ...row.packetIds])])
      return view(row)
    },
    'collections.dissolve': async ({ id }) => {
      const row = collections.dissolve(id)
      state.changed(row.packetIds)
      return view(row)
    },
  }
}
