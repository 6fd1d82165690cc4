import { useState } from 'react'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'
import { MOST_EACH } from '#shared/domain/slots.ts'
import { allows } from '#shared/domain/trust.ts'
import type { Output } from '#shared/rpc/client.ts'
import type { Asking, Turn } from '#shared/rpc/methods/turn.ts'
import { useRead } from '../../stores/useRead.ts'
import { useSettings } from '../../stores/useSettings.ts'
import type { AskOptions } from './Composer.tsx'
import { continued } from './turns.ts'
import type { Conversation, Whom } from './useConversation.ts'

type ReadyModel = Output<'models.list'>['models'][number]

/** Whom the next question goes to. */
export interface AskTarget {
  readonly isSeveral: boolean
  /** null: the reference in the only slot is not known yet. */
  readonly packetIds: Digest[] | null
  /** The only one in the slots. */
  readonly cartridge: { readonly data: Output<'library.get'> | undefined; readonly error: unknown }
  readonly summary: Output<'library.get'>['summary'] | null
  readonly models: readonly ReadyModel[]
  readonly model: ReadyModel | undefined
  setModel(id: string): void
  readonly asking: Asking
  setAsking(asking: Asking): void
  readonly isStarter: boolean
  /** Whether there is an answer that could be gone on from. */
  readonly goesOn: boolean
  /** Whether it is gone on from. */
  readonly follows: boolean
  /** The answer of the only one that is gone on from. */
  readonly parent: Turn | null
  readonly whom: Whom
  readonly canAsk: boolean
}

/** The model that answers while the slot is empty: that of the cartridge last in it. */
let bareModel: string | null = null

interface Asked {
  /** What is in the slots: references, of which several are packet_ids. */
  readonly slots: readonly string[]
  readonly conversation: Conversation
  readonly options: AskOptions
}

export function useAskTarget({ slots, conversation: { view, answers }, options }: Asked): AskTarget {
  const isSeveral = slots.length > 1
  const only = isSeveral ? null : (slots[0] ?? null)
  const cartridge = useRead('library.get', only === null ? null : { ref: only })
  const models = useRead('models.list', {}).data?.models.filter(model => model.status === 'ready') ?? []
  const defaultModel = useSettings()?.defaultModel
  const [picked, setModel] = useState<string | null>(null)
  const [chosenAsking, setAsking] = useState<Asking | null>(null)
  const asking = slots.length > MOST_EACH ? 'route' : (chosenAsking ?? view?.asking ?? 'each')

  const summary = only === null ? null : (cartridge.data?.summary ?? null)
  const slot = summary?.packetId ?? null
  const packetIds = isSeveral ? slots.map(parseDigest) : only === null ? [] : slot === null ? null : [slot]
  const chosenModel = picked ?? view?.model ?? bareModel
  const model =
    models.find(entry => entry.id === chosenModel || entry.name === chosenModel) ??
    models.find(entry => entry.id === defaultModel) ??
    models[0]
  if (summary !== null) bareModel = summary.model.name
  // Until the list of models is here, the one that will be found in it: an early Enter must not be lost.
  const modelId = model?.id ?? chosenModel ?? defaultModel
  // The starter models answer from facts and never learnt to converse: each question meets the cartridge afresh.
  const isStarter = models.some(
    entry => entry.starter && (only === null ? entry.id === modelId : entry.name === summary?.model.name),
  )

  const follows = options.followUp ?? !(isStarter || isSeveral)
  const lastOf = (ref: string | null) => continued(answers, { packetId: ref, model: modelId })
  const asked = isSeveral ? slots : packetIds === null ? [] : [slot]
  const before = asked.map(lastOf).find(turn => turn !== null) ?? null
  const parent = follows && !isSeveral ? before : null
  const parentOf = (ref: string) => (follows ? (lastOf(ref)?.id ?? null) : null)
  const of = isSeveral
    ? slots.map(ref => ({ ref, parentId: parentOf(ref) }))
    : only === null
      ? []
      : [{ ref: only, parentId: parent?.id ?? null }]

  return {
    ...{ isSeveral, packetIds, cartridge, summary, models, model, setModel, asking, setAsking, isStarter },
    ...{ goesOn: before !== null, follows, parent, whom: { isSeveral, asking, model: modelId, of } },
    canAsk: isSeveral || (only === null ? modelId !== undefined : canAskOf(summary, cartridge.error !== null)),
  }
}

/** A cartridge that is not known yet is asked, and the engine says what is wrong with it. */
function canAskOf(summary: AskTarget['summary'], isFailed: boolean): boolean {
  return summary === null ? !isFailed : allows(summary.trust, 'run') && summary.model.installed
}
