import type { Segment } from '#shared/domain/cartridge.ts'
import type { SaidMessage } from '#shared/domain/tool.ts'
import type { LoadedModel } from '../live/modelPool.ts'
import type { PartsRead } from '../models/tokenizer/tokenizer.ts'
import { sha256 } from '../sha256.ts'
import type { RecipeStep, SourcePart, StateContents } from './assemble.ts'
import { tokenizerOf } from './composeText.ts'
import { defaultDtype } from './defaultDtype.ts'
import { joinTokens, putTokens } from './joinTokens.ts'
import { type OpenedState, runOf } from './openState.ts'
import { promptMeta, type SourcedPart } from './promptMeta.ts'
import { roundingsAfter } from './roundings.ts'

/** A text that continues a state. */
export interface Delta {
  readonly text: string
  /** The stretches of it (first byte, end, first byte, …) that people said, when the rest is the chat template's. */
  readonly said?: readonly number[] | undefined
  /** Of a turn with tools: its messages. */
  readonly messages?: readonly SaidMessage[] | undefined
  /** Of a turn: the bytes of it that are the system prompt. */
  readonly system?: readonly [number, number] | undefined
  /** How control tokens that it spells out are read; absent: as in the texts before. Said by nobody of a turn. */
  readonly controlTokens?: 'text' | 'control' | undefined
}

/** How a state's texts have their control tokens read; before that was recorded, as control tokens. */
function readsControl({ recipe, promptMeta }: Pick<OpenedState, 'recipe' | 'promptMeta'>): 'text' | 'control' {
  return recipe.controlTokens ?? (promptMeta.controlTokensInText > 0 ? 'control' : 'text')
}

/** Whose the parts of a delta are. */
function partsOf({ text, said, system }: Delta): SourcedPart[] {
  if (said === undefined) return [{ text, from: 'text' }]
  const bytes = Buffer.from(text)
  const parts: SourcedPart[] = []
  let at = 0
  const add = (to: number, from: SourcedPart['from']) => {
    const part = bytes.subarray(at, to).toString()
    at = Math.max(at, to)
    if (part !== '') parts.push({ text: part, from })
  }
  if (system !== undefined) {
    add(system[0], 'template')
    add(system[1], 'system')
  }
  for (const [place, to] of said.entries()) add(to, place % 2 === 0 ? 'template' : 'user')
  add(bytes.length, 'template')
  return parts
}

/** What a state has read, and how: everything of it that follows from texts and a tokenizer alone. */
export type TextState = Pick<
  OpenedState,
  'tokens' | 'tail' | 'segments' | 'promptMeta' | 'sources' | 'recipe' | 'origin'
> & { readonly loaded: Pick<LoadedModel, 'model'> }

/** Whether a state has read nothing. */
export function isUnread({ origin, tokens, tail }: Pick<TextState, 'origin' | 'tokens' | 'tail'>): boolean {
  return origin.kind === 'tokens' && tokens.length === 0 && tail === ''
}

/** A delta made ready to be read after a state. */
export interface SplitDelta {
  /** What the tokenizer puts before a context (BOS): only when nothing was read yet. */
  readonly prefix: Int32Array
  /** To be folded into the new state. */
  readonly fold: Int32Array
  /** Held back: it could tokenise otherwise when more follows. */
  readonly tail: string
  /** Tokens of the tail as they stand now: read before generating, not folded. */
  readonly tailTokens: Int32Array
  readonly parts: readonly SourcedPart[]
  readonly read: PartsRead
}

/**
 * Tokenises what was held back together with the delta, so that the tokens are those of the whole text. An empty delta
 * folds the tail. `concat` tokenises the delta alone, as State Pack does.
 */
export function splitDelta(base: TextState, delta: Delta, seam: 'exact' | 'concat'): SplitDelta {
  const tokenizer = tokenizerOf(base.loaded.model)
  const run = runOf(base)
  const none = new Int32Array(0)
  const prefix = base.tokens.length === 0 && !base.recipe.template ? Int32Array.from(tokenizer.prefixIds) : none
  if (delta.text === '') {
    const read = tokenizer.readParts(run, [])
    return { prefix, fold: read.rest, tail: '', tailTokens: none, parts: [], read }
  }
  const parts = partsOf(delta)
  const meant = (delta.controlTokens ?? readsControl(base)) === 'control'
  const control = (from: SourcedPart['from']) => from === 'template' || (from === 'text' && meant)
  const read = tokenizer.readParts(
    run,
    parts.map(part => ({ text: part.text, control: control(part.from) })),
    seam,
  )
  return { prefix, fold: read.tokens, tail: read.tail, tailTokens: read.rest, parts, read }
}

/** Nothing read yet. */
export function emptyText(loaded: TextState['loaded']): TextState {
  return {
    loaded: { model: loaded.model },
    tokens: new Int32Array(0),
    tail: '',
    segments: [],
    origin: { kind: 'tokens' },
    promptMeta: { spans: [], controlTokensInText: 0 },
    sources: [],
    recipe: { steps: [], systemPrompt: null, template: false },
  }
}

/** A state before any token: what a question without a cartridge is read into. */
export function emptyState(loaded: LoadedModel, secondsLoading = 0): OpenedState {
  const { kind } = loaded.model
  return {
    ...emptyText(loaded),
    loaded,
    edits: [],
    packet: null,
    contextId: null,
    snapshot: { kind, position: 0, blocks: [], recurrent: [] },
    logits: null,
    dtype: defaultDtype(kind),
    card: '',
    fullBlocks: [],
    bytesRead: 0,
    secondsLoading,
  }
}

export interface TextGrowth {
  readonly delta: Delta
  /** The delta as a source; its name says what read it. */
  readonly source: SourcePart
  readonly seam: 'exact' | 'concat'
  readonly split: SplitDelta
  /** Read what the delta held back, too. */
  readonly flush: boolean
  /** Tokens the model wrote and that were kept, after the folded ones. */
  readonly generated: Int32Array
  /** Holds the base's tokens already and has room for what follows: the new state's are its first ones. Else they are copied. */
  readonly room?: Int32Array
}

/** What a state has read after a delta (and keeping what was generated). */
export function growText(base: TextState, growth: TextGrowth): TextState {
  const { split, generated } = growth
  const folded = growth.flush ? joinTokens(split.fold, split.tailTokens) : split.fold
  const textStart = base.tokens.length + split.prefix.length
  const textEnd = textStart + folded.length
  const tokens =
    growth.room?.subarray(0, textEnd + generated.length) ?? joinTokens(base.tokens, split.prefix, folded, generated)
  if (growth.room !== undefined) putTokens(tokens, base.tokens.length, [split.prefix, folded, generated])
  const { text, said, controlTokens } = growth.delta
  const { parts, read } = split
  const meta = promptMeta(tokenizerOf(base.loaded.model), { parts, read, tokens: folded, start: textStart })
  const isSaid = read.spelled.length > 0 || controlTokens !== undefined
  const decides = said === undefined && base.recipe.controlTokens === undefined && isSaid
  const isRead = text !== ''
  const isFlushed = isRead ? growth.flush && split.tail !== '' : base.tail !== ''
  return {
    loaded: base.loaded,
    origin: base.origin,
    tokens,
    tail: growth.flush ? '' : split.tail,
    segments: addSegments(base.segments, [
      { kind: 'special', start: base.tokens.length, end: textStart },
      { kind: 'text', start: textStart, end: textEnd },
      { kind: 'generated', start: textEnd, end: tokens.length },
    ]),
    promptMeta: {
      spans: [...base.promptMeta.spans, ...meta.spans],
      controlTokensInText: base.promptMeta.controlTokensInText + meta.controlTokensInText,
    },
    sources: isRead ? [...base.sources, growth.source] : base.sources,
    recipe: {
      ...base.recipe,
      ...(decides ? { controlTokens: readsControl(base) } : {}),
      steps: [
        ...base.recipe.steps,
        ...(isRead ? [readStep(base.sources.length, growth)] : []),
        ...(isFlushed ? [{ do: 'flush' as const }] : []),
        ...(generated.length === 0 ? [] : [{ do: 'generated' as const, tokens: generated.length }]),
      ],
    },
  }
}

function readStep(source: number, { seam, delta: { said, messages, system, controlTokens } }: TextGrowth): RecipeStep {
  return {
    ...{ do: 'read', source, join: 'append' },
    ...(seam === 'concat' ? { seam } : {}),
    ...(said === undefined ? {} : { said: [...said] }),
    ...(messages === undefined ? {} : { messages: [...messages] }),
    ...(system === undefined ? {} : { system: [...system] }),
    ...(controlTokens === undefined ? {} : { controlTokens }),
  }
}

export interface Growth extends Omit<TextGrowth, 'source'> {
  readonly op: 'merge' | 'infer'
}

/** What is no number of the state that a base becomes after reading a delta (and keeping what was generated). */
export function grownContents(base: OpenedState, growth: Growth): Omit<StateContents, 'snapshot' | 'logits'> {
  const source = { name: growth.op, bytes: new TextEncoder().encode(growth.delta.text) }
  return {
    ...growText(base, { ...growth, source }),
    model: base.loaded.model,
    dtype: base.dtype,
    loss: base.packet?.config.cache.loss ?? null,
    rounded: base.packet === null ? [] : roundingsAfter(base.packet.config.cache, base.tokens.length),
    card: base.card,
    parents:
      base.packet === null
        ? []
        : [
            {
              packetId: base.packet.packetId,
              op: growth.op,
              deltaDigest: growth.delta.text === '' ? null : sha256(growth.delta.text),
            },
          ],
    sharedBlocks: base.fullBlocks,
  }
}

/** Adds segments, leaving out empty ones and joining a text to the text before it. */
function addSegments(before: readonly Segment[], added: readonly Segment[]): Segment[] {
  const segments = [...before]
  for (const segment of added) {
    if (segment.end === segment.start) continue
    const last = segments.at(-1)
    if (last?.kind === 'text' && segment.kind === 'text') segments[segments.length - 1] = { ...last, end: segment.end }
    else segments.push(segment)
  }
  return segments
}
