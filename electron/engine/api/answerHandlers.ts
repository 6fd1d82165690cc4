import { StatePackError } from '#shared/domain/error.ts'
import type { Handlers } from '#shared/rpc/contract.ts'
import type { EngineState } from './engineState.ts'

type Owned = Extract<keyof Handlers, `answers.${string}`>

export function answerHandlers(state: EngineState): Pick<Handlers, Owned> {
  const { store, live } = state
  const { answers, packets, retained } = store.library
  const read = (id: string, part: 'response' | 'input') => {
    const found = answers.read(id, part)
    if (found === null) throw notKept(id)
    live.coldBudget.use(found.packetId)
    return found.told
  }
  return {
    'answers.keep': async ({ id, state: made, of, request, response, input }) => {
      const { packetId, isBack, isKept } = store.library.connection
        .transaction(() => {
          const row = packets.get(made)
          if (row === null) throw new StatePackError('E_NOT_FOUND', 'This state is not stored.', { ref: made })
          // It may have been deleted since, and its context stored again as another packet.
          const standing = row.removedAt === null ? null : packets.ofContext(row.contextId, row.dtype)
          const packetId = standing?.packetId ?? made
          const isBack = retained.takeBack(packetId)
          const rootPacketId = of === null || packets.get(of) === null ? packetId : of
          const isKept = answers.keep({ id, packetId, rootPacketId, at: Date.now(), request, response, input })
          return { packetId, isBack, isKept }
        })
        .immediate()
      live.coldBudget.use(packetId)
      if (isBack) {
        store.touchIndexFile()
        state.changed([packetId])
      }
      return { isKept }
    },
    // What is kept is what was told, which the contract has checked.
    'answers.get': async ({ id }) => ({ response: read(id, 'response') as Record<string, unknown> }),
    'answers.input': async ({ id }) => ({ input: read(id, 'input') as Record<string, unknown>[] }),
    'answers.delete': async ({ id }) => {
      const left = await store.freeing(() =>
        store.library.connection
          .transaction(() => {
            const packetId = answers.delete(id)
            if (packetId === null) throw notKept(id)
            return retained.letGo(packetId, store.parts.now()) ? [packetId] : []
          })
          .immediate(),
      )
      store.library.scrub()
      store.touchIndexFile()
      if (left.length > 0) state.changed(left)
      return {}
    },
  }
}

function notKept(id: string): StatePackError {
  return new StatePackError('E_NOT_FOUND', 'There is no answer with this id.', { id })
}
