import { StatePackError } from '#shared/domain/error.ts'
import type { Handlers } from '#shared/rpc/contract.ts'
import { resolvePacketId } from '../packets/resolveRef.ts'
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
  /** The stored packet of a reference; null: there is none. */
  const stored = async (ref: string) => {
    const packetId = await resolvePacketId(state, ref)
    return packets.get(packetId) === null ? null : packetId
  }
  return {
    'answers.keep': async ({ id, state: ref, of, request, response, input }) => {
      const packetId = await stored(ref)
      if (packetId === null) throw new StatePackError('E_NOT_FOUND', 'This state is not stored.', { ref })
      const root = of === undefined ? null : await stored(of)
      const isKept = answers.keep({
        ...{ id, packetId, rootPacketId: root ?? packetId, at: Date.now() },
        ...{ request, response, input },
      })
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
