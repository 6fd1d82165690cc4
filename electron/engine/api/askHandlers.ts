import type { Handlers } from '#shared/rpc/contract.ts'
import { ask, askedOf, ejectAndAsk, keepStep } from '../library/ask.ts'
import { askSeveral } from '../library/askSeveral.ts'
import {
  type Conversing,
  deleteConversations,
  exportConversation,
  listConversations,
  readConversationView,
  restoreConversations,
  saveConversation,
} from '../library/conversations.ts'
import { reread } from '../library/reread.ts'
import { resolvePacketId } from '../packets/resolveRef.ts'
import { summaryOf } from '../packets/summaries.ts'
import type { EngineState } from './engineState.ts'

type Owned = Extract<keyof Handlers, `ask.${string}` | `conversations.${string}`>

export function askHandlers(state: EngineState): Pick<Handlers, Owned> {
  const { conversations } = state.store.library
  /** How many questions of a conversation are being answered. */
  const running = new Map<string, number>()
  const conversed = (ids: readonly string[]) => state.emit('conversations.changed', { ids: [...ids] })
  const context: Conversing = {
    ...state,
    conversed,
    answering: (id, question) => {
      running.set(id, (running.get(id) ?? 0) + 1)
      const { draft } = conversations.get(id)
      // It is a draft no more: it stands as a question until it has an answer.
      const isDraft = question.question.startsWith(draft.trim())
      conversations.save(id, { pending: question, ...(isDraft ? { draft: '' } : {}) }, Date.now())
      conversed([id])
      return isAnswered => {
        const left = (running.get(id) ?? 1) - 1
        if (left === 0) running.delete(id)
        else running.set(id, left)
        try {
          if (isAnswered && left === 0) conversations.save(id, { pending: null }, Date.now())
        } catch {
          // Deleted meanwhile.
        }
        conversed([id])
      }
    },
  }
  return {
    'ask.ask': (input, call) => ask(context, input, call),
    'ask.several': (input, call) => askSeveral(context, input, call),
    'ask.history': async ({ ref }) => ({ steps: askedOf(state, await resolvePacketId(state, ref)) }),
    'ask.keep': async ({ stepId, name }) => summaryOf(state, keepStep(state, stepId, name)),
    'conversations.list': async query => listConversations(state, query),
    'conversations.get': async ({ id }) => readConversationView(state, id, running.has.bind(running)),
    'conversations.save': async change => saveConversation(context, change),
    'conversations.delete': ({ ids }) => deleteConversations(context, ids),
    'conversations.restore': async ({ ids }) => restoreConversations(context, ids),
    'conversations.export': async ({ id }) => exportConversation(state, id),
    'conversations.eject': (input, call) => ejectAndAsk(context, input, call),
    'conversations.reread': ({ turnId }, call) => reread(context, turnId, call),
  }
}
