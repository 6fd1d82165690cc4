import { StatePackError } from '#shared/domain/error.ts'
import type { Handlers } from '#shared/rpc/contract.ts'
import { summaryOf } from '../packets/summaries.ts'
import { collectionView } from './collectionView.ts'
import type { EngineState } from './engineState.ts'

type Owned = Extract<keyof Handlers, `collections.${string}`>

export function collectionHandlers(state: EngineState): Pick<Handlers, Owned> {
  const { collections, packets } = state.store.library
  return {
    'collections.list': async () => ({ collections: collections.list().map(collectionView) }),
    'collections.get': async ({ id }) => {
      const row = collections.get(id)
      const members = await Promise.all(row.packetIds.map(packetId => summaryOf(state, packetId)))
      return { ...collectionView(row), members, bytes: members.reduce((sum, { bytes }) => sum + bytes, 0) }
    },
    'collections.save': async ({ id, name, packetIds }) => {
      const owner = name === undefined ? null : packets.named(name)
      if (owner !== null)
        throw new StatePackError('E_CONFLICT', `A cartridge is called "${name}".`, { name: name ?? '', packetId: owner })
      const before = collections.find(id)?.packetIds ?? []
      const row = collections.save(id, { name, packetIds }, Date.now())
      state.changed([...new Set([...before, ...row.packetIds])])
      return collectionView(row)
    },
    'collections.dissolve': async ({ id }) => {
      const row = collections.dissolve(id)
      state.changed(row.packetIds)
      return collectionView(row)
    },
  }
}
