import { useEffect, useMemo, useRef, useState } from 'react'
import { z } from 'zod'
import { toStatePackError } from '#shared/domain/error.ts'
import type { Input } from '#shared/rpc/client.ts'
import type { AskStep } from '#shared/rpc/methods/ask.ts'
import { inferResultSchema } from '#shared/rpc/methods/views.ts'
import { useKept } from '../../stores/useKept.ts'
import { useQuery } from '../../stores/useQuery.ts'
import { useTask } from '../../stores/useTask.ts'
import type { AskOptions } from './Composer.tsx'
import { conversationOf, pathTo, type Turn } from './turns.ts'

/** The question that is being answered now. */
export interface Live {
  readonly question: string
  readonly compare: boolean
  readonly with: string
  readonly without: string
  readonly rate: number | null
}

export interface Conversation {
  /** All steps ever taken from this cartridge. */
  readonly steps: readonly AskStep[]
  /** What is on screen, oldest first. */
  readonly turns: readonly Turn[]
  /** The step the next question continues; null: it starts from the cartridge itself. */
  readonly head: AskStep | null
  readonly live: Live | null
  readonly error: unknown
  /** The question that `error` belongs to. */
  readonly failed: string | null
  /**
   * Puts a question to the state after `parentId` (null: to the cartridge as it was). It is shown below the first `keep`
   * turns that are on screen; the ones after them leave the screen, not the history.
   */
  readonly ask: (question: string, options: AskOptions, parentId: string | null, keep: number) => void
  /** The question failed because the model was edited since; {@link Conversation.again} then goes on with it as it is. */
  readonly edited: boolean
  /** Asks again what failed. */
  readonly again: () => void
  readonly stop: () => void
  readonly dismiss: () => void
  /** Goes back to a step (null: to the cartridge as it was); the next question branches from there. */
  readonly rewind: (stepId: string | null) => void
}

/** Answers of the bare model stand in no history: the window keeps them. */
const bareSchema = z.array(
  z.object({ kind: z.literal('bare'), id: z.string(), question: z.string(), result: inferResultSchema }),
)
const NONE: z.infer<typeof bareSchema> = []

/** The conversation with one cartridge (or with the bare model `model`), backed by the engine's own history. */
export function useConversation(packetId: string | null, model: string | undefined): Conversation {
  const history = useQuery('ask.history', packetId === null ? null : { ref: packetId }, [
    'receipts.appended',
    'library.changed',
  ])
  const [own, setOwn] = useState<readonly AskStep[]>([])
  const [bare, setBare] = useKept('ask.bare', bareSchema, NONE)
  const [view, setView] = useState<readonly string[] | null>(null)
  const [headId, setHeadId] = useState<string | null>(null)
  const [live, setLive] = useState<Live | null>(null)
  const last = useRef<readonly [string, AskOptions, string | null, number] | null>(null)
  const task = useTask('ask.ask', {
    onProgress: ({ rate }) => setLive(before => before && { ...before, rate: rate ?? before.rate }),
    onItem: ({ of, text }) => setLive(before => before && { ...before, [of]: before[of] + text }),
  })

  // A step that was just taken may not be in the history that is on its way.
  const steps = useMemo(() => {
    const stored = history.data?.steps ?? []
    const known = new Set(stored.map(step => step.id))
    return [...stored, ...own.filter(step => !known.has(step.id))]
  }, [history.data, own])

  // First look at a cartridge: all that was asked, and go on where it was left.
  useEffect(() => {
    if (view !== null || history.data === null) return
    const newest = history.data.steps.at(-1)?.id ?? null
    setView(conversationOf(history.data.steps).map(step => step.id))
    setHeadId(newest)
  }, [history.data, view])

  const byId = new Map(steps.map(step => [step.id, step]))
  const turns: readonly Turn[] =
    packetId === null
      ? bare
      : (view ?? []).flatMap(id => {
          const step = byId.get(id)
          return step === undefined ? [] : [{ kind: 'step' as const, id, question: step.question, step }]
        })

  function ask(
    question: string,
    options: AskOptions,
    parentId: string | null,
    keep: number,
    acceptEdits = false,
  ): void {
    last.current = [question, options, parentId, keep]
    const compare = options.compare && packetId !== null
    setLive({ question, compare, with: '', without: '', rate: null })
    const input: Input<'ask.ask'> = {
      question,
      compare,
      trace: options.trace && packetId !== null,
      acceptEdits,
      maxNewTokens: options.maxNewTokens,
      sampling: { temperature: options.temperature, seed: options.seed },
      ...(packetId === null ? {} : { ref: packetId }),
      ...(packetId === null && model !== undefined ? { model } : {}),
      ...(parentId === null || packetId === null ? {} : { parentId }),
    }
    void task.run(input).then(answer => {
      setLive(null)
      if (answer === null) return
      const { step, without } = answer
      if (step !== null) {
        setOwn(before => [...before, step])
        setView(before => [...(before ?? []).slice(0, keep), step.id])
        setHeadId(step.id)
      } else if (without !== null) {
        setBare(before => [...before, { kind: 'bare', id: `bare-${before.length}`, question, result: without }])
      }
    })
  }

  const edited = task.status === 'failed' && toStatePackError(task.error).details.edited !== undefined

  return {
    steps,
    turns,
    head: headId === null ? null : (byId.get(headId) ?? null),
    live,
    error: task.status === 'failed' ? task.error : null,
    failed: task.status === 'failed' ? (last.current?.[0] ?? null) : null,
    ask,
    edited,
    again: () => {
      if (last.current !== null) ask(...last.current, edited)
    },
    stop: task.cancel,
    dismiss: task.reset,
    rewind: stepId => {
      setHeadId(stepId)
      setView(pathTo(steps, stepId).map(step => step.id))
    },
  }
}
