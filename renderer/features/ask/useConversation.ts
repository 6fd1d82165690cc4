import { useMemo, useRef, useState } from 'react'
import { toStatePackError } from '#shared/domain/error.ts'
import { threadTo } from '#shared/domain/thread.ts'
import type { Input } from '#shared/rpc/client.ts'
import type { ConversationView } from '#shared/rpc/methods/conversations.ts'
import type { Turn } from '#shared/rpc/methods/turn.ts'
import { useClient } from '../../stores/studio.ts'
import { useQuery } from '../../stores/useQuery.ts'
import { useTask } from '../../stores/useTask.ts'
import { toastError } from '../../ui/toasts.tsx'
import type { AskOptions } from './Composer.tsx'

/** The question that is being answered now. */
export interface Live {
  readonly question: string
  readonly compare: boolean
  readonly with: string
  readonly without: string
  readonly rate: number | null
}

/** Where a question is put: below which turn, and from whose state it goes on. */
export interface Place {
  /** undefined: the last, where it is not known yet. */
  readonly previousId: string | null | undefined
  readonly parentId: string | null
  readonly packetId: string | null
  readonly model: string | undefined
}

type Change = Omit<Input<'conversations.save'>, 'id'>

export interface Conversation {
  readonly id: string
  /** null until it was read. */
  readonly view: ConversationView | null
  readonly unread: unknown
  /** All turns, of every branch. */
  readonly turns: readonly Turn[]
  /** What is on screen, oldest first. */
  readonly thread: readonly Turn[]
  readonly live: Live | null
  /** A question that has no answer, and that nobody is answering. */
  readonly unanswered: string | null
  /** A question that is being answered for another window. */
  readonly answering: string | null
  readonly error: unknown
  readonly ask: (question: string, options: AskOptions, place: Place) => void
  /** The question failed because the model was edited since; {@link Conversation.again} then goes on with it as it is. */
  readonly edited: boolean
  /** Asks again what has no answer. */
  readonly again: (options: AskOptions, slot: Pick<Place, 'packetId' | 'model'>) => void
  /** Gives up what has no answer. */
  readonly giveUp: (change?: Change) => void
  readonly stop: () => void
  readonly save: (change: Change) => Promise<number | null>
}

/** A conversation as the engine has it, followed while it changes here or in another window. */
export function useConversation(id: string): Conversation {
  const client = useClient()
  const stored = useQuery('conversations.get', { id }, ['conversations.changed', 'library.changed'])
  const [own, setOwn] = useState<Turn | null>(null)
  const [live, setLive] = useState<(Live & { readonly place: Place }) | null>(null)
  const last = useRef<{ readonly question: string; readonly place: Place } | null>(null)
  const task = useTask('ask.ask', {
    onProgress: ({ rate }) => setLive(before => before && { ...before, rate: rate ?? before.rate }),
    onItem: ({ of, text }) => setLive(before => before && { ...before, [of]: before[of] + text }),
  })
  const view = stored.data
  // A turn that was just taken may not be in what is on its way.
  const isNewer = own !== null && view !== null && !view.turns.some(turn => turn.id === own.id)
  const turns = useMemo(() => [...(view?.turns ?? []), ...(isNewer ? [own] : [])], [view, own, isNewer])
  const headId = isNewer ? own.id : (view?.headId ?? null)

  async function save(change: Change): Promise<number | null> {
    try {
      return (await client.call('conversations.save', { id, ...change })).draftRevision
    } catch (error) {
      toastError(error)
      return null
    }
  }

  function ask(question: string, options: AskOptions, place: Place, acceptEdits = false): void {
    const { previousId, parentId, packetId, model } = place
    last.current = { question, place }
    const hasCartridge = packetId !== null
    const compare = options.compare && hasCartridge
    setLive({ question, compare, with: '', without: '', rate: null, place })
    void task
      .run({
        ...{ conversationId: id, previousId, question, compare, acceptEdits, trace: options.trace && hasCartridge },
        maxNewTokens: options.maxNewTokens,
        sampling: { temperature: options.temperature, seed: options.seed },
        ...(hasCartridge ? { ref: packetId } : model === undefined ? {} : { model }),
        ...(parentId === null ? {} : { parentId }),
      })
      .then(answer => {
        setLive(null)
        if (answer !== null) setOwn(answer.step)
      })
  }

  const edited = task.status === 'failed' && toStatePackError(task.error).details.edited !== undefined
  const pending = live === null ? (view?.pending ?? null) : null
  const unanswered =
    task.status === 'failed' ? last.current : pending === null ? null : { question: pending.question, place: pending }
  return {
    ...{ id, view, unread: stored.error, turns, live, edited, save },
    unanswered: pending?.answering === true && task.status !== 'failed' ? null : (unanswered?.question ?? null),
    answering: pending?.answering === true ? pending.question : null,
    // What comes after the turn that is asked anew is on another branch.
    thread: threadTo(turns, live?.place.previousId === undefined ? headId : live.place.previousId),
    error: task.status === 'failed' ? task.error : null,
    ask: (question, options, place) => ask(question, options, place),
    again: (options, slot) => {
      const { question, place } = unanswered ?? {}
      if (question !== undefined)
        ask(question, options, { previousId: null, parentId: null, ...place, ...slot }, edited)
    },
    giveUp: (change = {}) => {
      task.reset()
      void save({ pending: null, ...change })
    },
    stop: task.cancel,
  }
}
