import { useEffect, useMemo, useRef, useState } from 'react'
import { type StatePackError, toStatePackError } from '#shared/domain/error.ts'
import { threadTo } from '#shared/domain/thread.ts'
import type { Input, Output } from '#shared/rpc/client.ts'
import type { ConversationView } from '#shared/rpc/methods/conversations.ts'
import type { Asking, Turn } from '#shared/rpc/methods/turn.ts'
import { useClient } from '../../stores/studio.ts'
import { useRead } from '../../stores/useRead.ts'
import { useTask } from '../../stores/useTask.ts'
import { toastError } from '../../ui/toasts.tsx'
import type { AskOptions } from './Composer.tsx'
import { answersOf } from './turns.ts'

/** The question that is being answered now. */
export interface Live {
  readonly question: string
  readonly compare: boolean
  readonly with: string
  readonly without: string
  readonly rate: number | null
  /** Where several are asked: what each has answered so far, in the order in which they began. */
  readonly each: readonly { readonly packetId: string; readonly text: string }[] | null
}

/** Whom a question goes to: none is the bare model, and several are each asked, or the one that it is about. */
export interface Whom {
  /** Several are in the slots, whoever of them is asked. */
  readonly isSeveral: boolean
  readonly of: readonly { readonly ref: string; readonly parentId: string | null }[]
  readonly asking: Asking
  /** The bare model. */
  readonly model: string | undefined
}

/** Where a question is put: below which turn, and from whose state it goes on. */
interface Place {
  /** undefined: the last, where it is not known yet. */
  readonly previousId: string | null | undefined
  /** Of the one that is asked. */
  readonly parentId: string | null
}

type Change = Omit<Input<'conversations.save'>, 'id'>

export interface Conversation {
  readonly id: string
  /** null until it was read. */
  readonly view: ConversationView | null
  /** When it was read last, milliseconds since 1970; what it says may be the same as before. */
  readonly readAt: number
  readonly unread: unknown
  /** All turns, of every branch. */
  readonly turns: readonly Turn[]
  /** What is on screen, oldest first: of several answers to a question the first. */
  readonly thread: readonly Turn[]
  /** The same with every answer. */
  readonly answers: readonly Turn[]
  readonly live: Live | null
  /** A question that has no answer, and that nobody is answering. */
  readonly unanswered: string | null
  /** A question that is being answered for another window. */
  readonly answering: string | null
  readonly error: unknown
  readonly ask: (question: string, options: AskOptions, whom: Whom, previousId: string | null | undefined) => void
  /** Those that could not answer beside the others, the last time. */
  readonly failed: Output<'ask.several'>['failed']
  /** The question is about none of the cartridges in the slots; which comes nearest. */
  readonly abstained: Abstained | null
  /** The question failed because the model was edited since; {@link Conversation.again} then goes on with it as it is. */
  readonly edited: boolean
  /** Asks again what has no answer. */
  readonly again: (options: AskOptions, whom: Whom) => void
  /** Gives up what has no answer. */
  readonly giveUp: (change?: Change) => void
  readonly stop: () => void
  readonly save: (change: Change) => Promise<number | null>
}

/** A conversation as the engine has it, followed while it changes here or in another window. */
export function useConversation(id: string): Conversation {
  const client = useClient()
  const stored = useRead('conversations.get', { id }, { afresh: true })
  const [own, setOwn] = useState<readonly Turn[]>([])
  /** Where one went back to, until what is stored says so, too: a question right after it goes on from there. */
  const [back, setBack] = useState<{ readonly id: string | null } | null>(null)
  const [live, setLive] = useState<(Live & { readonly place: Place }) | null>(null)
  const last = useRef<{ readonly question: string; readonly place: Place } | null>(null)
  const onProgress = ({ rate }: { readonly rate?: number | undefined }) =>
    setLive(before => before && { ...before, rate: rate ?? before.rate })
  const one = useTask('ask.ask', {
    onProgress,
    onItem: ({ of, text }) => setLive(before => before && { ...before, [of]: before[of] + text }),
  })
  const several = useTask('ask.several', {
    onProgress,
    onItem: ({ packetId, text }) =>
      setLive(before => {
        if (before?.each == null) return before
        const known = before.each.find(entry => entry.packetId === packetId)
        const entry = { packetId, text: (known?.text ?? '') + text }
        return { ...before, each: [...before.each.filter(other => other !== known), entry] }
      }),
  })
  const view = stored.data ?? null
  // Turns that were just taken may not be in what is on its way.
  const newer = useMemo(
    () => (view === null ? [] : own.filter(turn => !view.turns.some(({ id }) => id === turn.id))),
    [view, own],
  )
  const turns = useMemo(() => [...(view?.turns ?? []), ...newer], [view, newer])
  const newest = newer.at(-1)
  const known = newest === undefined ? (view?.headId ?? null) : (newest.besideId ?? newest.id)
  const headId = back === null ? known : back.id
  useEffect(() => setBack(before => (before?.id === view?.headId ? null : before)), [view])

  async function save(change: Change): Promise<number | null> {
    const { head } = change
    if (head !== undefined) setBack(head.newest === true ? null : head)
    try {
      return (await client.call('conversations.save', { id, ...change })).draftRevision
    } catch (error) {
      if (head !== undefined) setBack(null)
      toastError(error)
      return null
    }
  }

  function ask(
    question: string,
    options: AskOptions,
    { whom, previousId, acceptEdits = false }: { whom: Whom; previousId: Place['previousId']; acceptEdits?: boolean },
  ): void {
    const [first] = whom.of
    const { isSeveral } = whom
    const place: Place = { previousId, parentId: isSeveral ? null : (first?.parentId ?? null) }
    last.current = { question, place }
    const known = new Set(view?.turns.map(turn => turn.id))
    const compare = options.compare && first !== undefined && !isSeveral
    setLive({ question, compare, with: '', without: '', rate: null, place, each: isSeveral ? [] : null })
    one.reset()
    several.reset()
    const input = {
      ...{ conversationId: id, previousId, question, acceptEdits, trace: options.trace && first !== undefined },
      maxNewTokens: options.maxNewTokens,
      sampling: { temperature: options.temperature, seed: options.seed },
    }
    const from = (parentId: string | null) => (parentId === null ? {} : { parentId })
    const asked = isSeveral
      ? several
          .run({
            ...input,
            asking: whom.asking,
            of: whom.of.map(({ ref, parentId }) => ({ ref, ...from(parentId) })),
          })
          .then(answer => answer?.steps ?? null)
      : one
          .run({
            ...{ ...input, compare, ...from(place.parentId) },
            ...(first !== undefined ? { ref: first.ref } : whom.model === undefined ? {} : { model: whom.model }),
          })
          .then(answer => (answer === null ? null : [answer.step]))
    void asked.then(steps => {
      setLive(null)
      if (steps !== null) setBack(null)
      // Those before may still be on their way, too.
      if (steps !== null) setOwn(before => [...before.filter(turn => !known.has(turn.id)), ...steps])
    })
  }

  const task = several.status === 'idle' ? one : several
  const details = task.status === 'failed' ? toStatePackError(task.error).details : {}
  const edited = details.edited !== undefined
  const pending = live === null ? (view?.pending ?? null) : null
  const unanswered =
    task.status === 'failed' ? last.current : pending === null ? null : { question: pending.question, place: pending }
  // What comes after the turn that is asked anew is on another branch.
  const thread = threadTo(turns, live?.place.previousId === undefined ? headId : live.place.previousId)
  return {
    ...{ id, view, readAt: stored.dataUpdatedAt, unread: stored.error, turns, live, edited, save, thread },
    answers: answersOf(thread, turns),
    failed: several.result?.failed ?? [],
    abstained: abstainedOf(details),
    unanswered: pending?.answering === true && task.status !== 'failed' ? null : (unanswered?.question ?? null),
    answering: pending?.answering === true ? pending.question : null,
    error: task.status === 'failed' ? task.error : null,
    ask: (question, options, whom, previousId) => ask(question, options, { whom, previousId }),
    again: (options, whom) => {
      const { question, place } = unanswered ?? {}
      if (question === undefined) return
      // From where it was to go on, as far as it was one that was asked.
      const of = whom.of.map(({ ref, parentId }) => ({
        ...{ ref, parentId: whom.isSeveral ? parentId : (place?.parentId ?? null) },
      }))
      ask(question, options, {
        whom: { ...whom, of },
        previousId: place === undefined ? null : place.previousId,
        acceptEdits: edited,
      })
    },
    giveUp: (change = {}) => {
      one.reset()
      several.reset()
      void save({ pending: null, ...change })
    },
    stop: task.cancel,
  }
}

export interface Abstained {
  /** How many cartridges are in the slots. */
  readonly among: number
  /** null: none could be tried. */
  readonly nearest: { readonly packetId: string; readonly name: string; readonly accountsFor: number } | null
}

/** What `ask.several` says where a question is about none of the cartridges. */
function abstainedOf({ among, nearest, name, accountsFor }: StatePackError['details']): Abstained | null {
  if (typeof among !== 'number') return null
  const isNear = typeof nearest === 'string' && typeof name === 'string' && typeof accountsFor === 'number'
  return { among, nearest: isNear ? { packetId: nearest, name, accountsFor } : null }
}
