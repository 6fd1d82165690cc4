import type { Segment } from '#shared/domain/cartridge.ts'
import type { StateSnapshot } from '../inference/stateSnapshot.ts'
import type { LoadedModel } from '../models/modelPool.ts'
import { sha256 } from '../sha256.ts'
import type { StateContents } from './assemble.ts'
import { promptMeta, tokenizerOf } from './composeText.ts'
import { defaultDtype } from './defaultDtype.ts'
import { type OpenedState, runOf } from './openState.ts'

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
}

/**
 * Tokenises what was held back together with the delta, so that the tokens are those of the whole text. An empty delta
 * folds the tail. `concat` tokenises the delta alone, as State Pack does.
 */
export function splitDelta(base: OpenedState, delta: string, seam: 'exact' | 'concat'): SplitDelta {
  const tokenizer = tokenizerOf(base.loaded.model)
  const run = runOf(base)
  const none = new Int32Array(0)
  const prefix = base.tokens.length === 0 && !base.recipe.template ? Int32Array.from(tokenizer.prefixIds) : none
  if (delta === '') return { prefix, fold: tokenizer.flush(run), tail: '', tailTokens: none }
  const folded = tokenizer.fold(run, delta, seam)
  return { prefix, fold: folded.tokens, tail: folded.tail, tailTokens: tokenizer.flush(folded) }
}

/** A state before any token: what a question without a cartridge is read into. */
export function emptyState(loaded: LoadedModel, secondsLoading = 0): OpenedState {
  const { kind } = loaded.model
  return {
    loaded,
    packet: null,
    contextId: null,
    tokens: new Int32Array(0),
    tail: '',
    segments: [],
    snapshot: { kind, position: 0, blocks: [], recurrent: [] },
    logits: null,
    dtype: defaultDtype(kind),
    promptMeta: { spans: [], controlTokensInText: 0 },
    sources: [],
    recipe: { steps: [], systemPrompt: null, template: false },
    card: '',
    fullBlocks: [],
    bytesRead: 0,
    secondsLoading,
  }
}

export interface Growth {
  readonly op: 'merge' | 'infer'
  readonly delta: string
  readonly prefix: Int32Array
  /** Text tokens folded after the base and the prefix. */
  readonly folded: Int32Array
  /** Tokens the model wrote and that were kept, after the folded ones. */
  readonly generated: Int32Array
  readonly tail: string
  readonly snapshot: StateSnapshot
  readonly logits: Float32Array | null
}

/** The contents of the state that a base becomes after reading a delta (and keeping what was generated). */
export function grownContents(base: OpenedState, growth: Growth): StateContents {
  const { model } = base.loaded
  const tokens = Int32Array.from([...base.tokens, ...growth.prefix, ...growth.folded, ...growth.generated])
  const textStart = base.tokens.length + growth.prefix.length
  const textEnd = textStart + growth.folded.length
  const meta = promptMeta(tokenizerOf(model), { text: growth.delta, tokens: growth.folded })
  const source = growth.delta === '' ? [] : [{ name: growth.op, bytes: new TextEncoder().encode(growth.delta) }]
  return {
    model,
    origin: base.packet?.config.origin ?? { kind: 'tokens' },
    tokens,
    tail: growth.tail,
    segments: addSegments(base.segments, [
      { kind: 'special', start: base.tokens.length, end: textStart },
      { kind: 'text', start: textStart, end: textEnd },
      { kind: 'generated', start: textEnd, end: tokens.length },
    ]),
    snapshot: growth.snapshot,
    logits: growth.logits,
    dtype: base.dtype,
    loss: base.packet?.config.cache.loss ?? null,
    promptMeta: {
      spans: [
        ...base.promptMeta.spans,
        ...meta.spans.map(span => ({ ...span, start: span.start + textStart, end: span.end + textStart })),
      ],
      controlTokensInText: base.promptMeta.controlTokensInText + meta.controlTokensInText,
    },
    sources: [...base.sources, ...source],
    recipe: {
      steps: [
        ...base.recipe.steps,
        ...source.map(() => ({ do: 'read' as const, source: base.sources.length })),
        ...(growth.generated.length === 0 ? [] : [{ do: 'generated' as const, tokens: growth.generated.length }]),
      ],
      systemPrompt: base.recipe.systemPrompt,
      template: base.recipe.template,
    },
    card: base.card,
    parents:
      base.packet === null
        ? []
        : [
            {
              packetId: base.packet.packetId,
              op: growth.op,
              deltaDigest: growth.delta === '' ? null : sha256(growth.delta),
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
