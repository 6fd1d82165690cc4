import type { Recipe } from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { ENGLISH } from '#shared/figures/createFigures.ts'
import type { LoadedModel } from '../live/modelPool.ts'
import { tokenizerOf } from './composeText.ts'
import type { Packet } from './packet.ts'
import type { ReuseEstimate } from './reuseEstimate.ts'

/** Who wrote a token of a state; `date`: the chat template, which writes the date. */
export type PartOfState = 'system prompt' | 'date' | 'template' | 'text'

/** Why no state, or no deeper one, could be used. Positions count tokens from 0. */
export type PrefixMiss =
  | { readonly why: 'nothing-alike' }
  /** The nearest state goes on differently at `position`, which in it is part of `part`. */
  | {
      readonly why: 'other-token'
      readonly packetId: Digest
      readonly position: number
      readonly part: PartOfState
      /** The token there, in the state and in what is read, as texts. */
      readonly known: string
      readonly asked: string
    }
  /** A recurrent state cannot be cut back: it has read further than the two agree. */
  | { readonly why: 'cannot-be-cut'; readonly packetId: Digest; readonly position: number }
  | { readonly why: 'other-dtype'; readonly packetId: Digest; readonly position: number }
  /** Its first `position` tokens would take longer to bring from disk than to read, or to go on to from what was used. */
  | {
      readonly why: 'slower'
      readonly packetId: Digest
      readonly position: number
      readonly estimate: ReuseEstimate
    }

/** What more of a state there would be to use. */
export interface Missed {
  readonly position: number
  readonly miss: PrefixMiss
}

/** Of the states of which more would be of use than `used` tokens, why the one that agrees the longest is not. */
export function deepestMiss(misses: readonly Missed[], used: number): PrefixMiss {
  // In another precision or at another place none of them would spare more than the one that goes on differently there.
  const atBest = misses.filter(
    ({ position, miss }) => position > used || (position === used && miss.why === 'other-token'),
  )
  // One that would have served is the reason before those that could not.
  const slower = atBest.filter(({ miss }) => miss.why === 'slower')
  const asked = slower.length > 0 ? slower : atBest
  const deepest = Math.max(...asked.map(({ position }) => position))
  const those = asked.filter(({ position }) => position === deepest).map(({ miss }) => miss)
  return those.find(({ why }) => why === 'other-token') ?? those[0] ?? { why: 'nothing-alike' }
}

/** Why not more was there, in a sentence; null when there was nothing that could have been. */
export function missSentence(miss: PrefixMiss, nameOf: (packetId: Digest) => string): string | null {
  switch (miss.why) {
    case 'nothing-alike':
      return null
    case 'other-token':
      return `${nameOf(miss.packetId)} goes on differently from token ${miss.position + 1}, in ${miss.part === 'date' ? 'the date that its chat template writes' : `its ${miss.part}`}: ${partingWords(miss)}.`
    case 'cannot-be-cut':
      return `${nameOf(miss.packetId)} begins alike, but has read on after token ${miss.position}: a recurrent state cannot be cut back.`
    case 'other-dtype':
      return `${nameOf(miss.packetId)} begins alike, but is stored in another precision.`
    case 'slower': {
      const { restoreSeconds, readSeconds } = miss.estimate
      return `${nameOf(miss.packetId)} begins alike for ${miss.position} tokens, but bringing them from disk would take longer here than reading them: about ${ENGLISH.formatSeconds(restoreSeconds)} against ${ENGLISH.formatSeconds(readSeconds)}.`
    }
  }
}

/** The tokens at which two texts part; without the blank before them, unless that is the difference. */
function partingWords({ known, asked }: { readonly known: string; readonly asked: string }): string {
  const [there, here] = [known.trim(), asked.trim()]
  const tells = there !== here && there !== '' && here !== ''
  return `“${tells ? there : known}” there, “${tells ? here : asked}” here`
}

/** Who wrote the token at a position. One model has one template: where it differs from itself, it wrote another date. */
export function partAt(
  { packet, documents }: { packet: Packet; documents: { recipe: Pick<Recipe, 'chat'> } },
  position: number,
): PartOfState {
  const span = packet.config.promptMeta.spans.find(({ start, end }) => start <= position && position < end)
  if (span?.kind === 'system') return 'system prompt'
  if (span === undefined || span.kind === 'user' || span.kind === 'spelled') return 'text'
  return documents.recipe.chat?.time === undefined ? 'template' : 'date'
}

/** {@link partAt}; the system prompt of a conversation that began with its first question lies within what the template wrote. */
export function partOf(
  { model }: LoadedModel,
  face: { packet: Packet; documents: { recipe: Recipe }; tokens: Int32Array },
  position: number,
): PartOfState {
  const part = partAt(face, position)
  const { systemPrompt } = face.documents.recipe
  if (part === 'text' || part === 'system prompt' || systemPrompt === null) return part
  const textOf = (tokens: Int32Array) => tokenizerOf(model).decode([...tokens])
  const begin = textOf(face.tokens).indexOf(systemPrompt)
  const at = textOf(face.tokens.subarray(0, position)).length
  return begin >= 0 && begin <= at && at < begin + systemPrompt.length ? 'system prompt' : part
}

/** The token at a position, as a text. */
export function textAt({ model }: LoadedModel, tokens: Int32Array, position: number): string {
  return tokenizerOf(model).decode([...tokens.subarray(position, position + 1)])
}
