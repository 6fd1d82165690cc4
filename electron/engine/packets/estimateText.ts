import type { StateDtype } from '#shared/domain/cartridge.ts'
import type { Output } from '#shared/rpc/client.ts'
import { storedStateBytes } from '../inference/stateBytes.ts'
import type { Model } from '../models/model.ts'
import { type ComposedText, composeText, type TextInput } from './composeText.ts'
import type { PacketContext } from './context.ts'
import { mostTokens } from './contextRoom.ts'
import { cutText, isReadAtOnce, joinedText } from './createSplit.ts'
import { defaultDtype } from './defaultDtype.ts'
import { assertIsText, TEXT_CAP } from './readableText.ts'
import { readingNotes } from './readingNotes.ts'

export interface EstimateInput extends TextInput {
  readonly model: string
  readonly dtype?: StateDtype | undefined
  /** Each source becomes a cartridge of its own. */
  readonly each?: boolean
}

/** Characters. A longer text is measured at places of it, as much in all: nothing else has a turn while the tokenizer reads them. */
const SAMPLE = 2 ** 18
const PLACES = 16

/** What reading a text would take, before reading it: tokens, whether it fits, bytes of the cartridges, measured speed. */
export async function estimateText(
  context: PacketContext,
  input: EstimateInput,
  signal?: AbortSignal,
): Promise<Output<'packets.estimate'>> {
  const model = await context.models.open(input.model)
  const limit = model.contextLength
  const most = limit === null ? null : mostTokens(limit)
  const texts: EstimatedText[] = []
  for (const sources of input.each ? input.sources.map(source => [source]) : [input.sources])
    texts.push(await estimateOne(model, { ...input, sources }, { most, signal }))
  const sum = (of: (text: EstimatedText) => number) => texts.reduce((total, text) => total + of(text), 0)
  const tokens = sum(text => text.tokens)
  const dtype = input.dtype ?? defaultDtype(model.kind)
  return {
    tokens,
    approximate: texts.some(text => text.approximate),
    contextLength: limit,
    mostTokens: most,
    fits: texts.every(text => text.parts === 1),
    readsAtOnce: texts.every(text => text.readsAtOnce),
    parts: sum(text => text.parts),
    tooLong: texts.flatMap(({ name, parts, approximate }) => (parts === 1 ? [] : [{ name, parts, approximate }])),
    bytes: sum(text => cartridgeBytes(model, text, dtype)),
    estimatedSeconds: context.meter.prefillSeconds(model.fingerprint.name, context.models.provider(), tokens),
    controlTokensInText: sum(text => text.spelled),
    notes: [...new Set(texts.flatMap(notesOf))],
  }
}

interface EstimatedText {
  readonly name: string
  readonly tokens: number
  readonly bytes: number
  readonly parts: number
  readonly approximate: boolean
  readonly readsAtOnce: boolean
  /** Control tokens that it spells out. */
  readonly spelled: number
  /** The text, or the sample that was measured. */
  readonly composed: ComposedText
}

async function estimateOne(
  model: Model,
  input: EstimateInput,
  { most, signal }: { most: number | null; signal: AbortSignal | undefined },
): Promise<EstimatedText> {
  const readsAtOnce = isReadAtOnce(input)
  const name = input.sources[0]?.name ?? 'text'
  const text = joinedText(input)
  const approximate = text.length > SAMPLE
  const measured = approximate ? { ...input, sources: [{ name, text: sampleOf(text) }] } : input
  const times = approximate ? text.length / SAMPLE : 1
  const composed = composeText(model, measured)
  const tokens = Math.round(composed.tokens.length * times)
  const bytes = approximate ? Buffer.byteLength(text) : composed.baseBytes
  const fits = readsAtOnce && (most === null || tokens <= most)
  const parts = fits
    ? 1
    : Math.max(
        2,
        most === null
          ? Math.ceil(bytes / (TEXT_CAP - Buffer.byteLength(input.systemPrompt ?? '') - 2))
          : Math.ceil((await cutText(model, measured, signal)).length * times),
      )
  const spelled = Math.round(composed.spelled.length * times)
  return { name, tokens, bytes, parts, approximate, readsAtOnce, spelled, composed }
}

/** Of a sample, the control tokens in it are not those of the text: `controlTokensInText` says how many there are, about. */
function notesOf({ composed, approximate }: EstimatedText): string[] {
  return readingNotes(approximate ? { ...composed, spelled: [] } : composed)
}

/** Pieces of a long text from its beginning to its end. Throws `E_NOT_TEXT`, wherever in it that shows. */
function sampleOf(text: string): string {
  assertIsText(text)
  const piece = SAMPLE / PLACES
  const step = (text.length - piece) / (PLACES - 1)
  return Array.from({ length: PLACES }, (_, i) => text.slice(Math.round(i * step), Math.round(i * step) + piece))
    .join('')
    .toWellFormed()
}

const TOKEN_BYTES = 4
const LOGIT_BYTES = 4
/** Manifest, config and recipe of a cartridge, about. */
const FRAME_BYTES = 3500

/** Of a text's cartridges: state, tokens, what the model would say next, texts and the model's config. */
function cartridgeBytes(model: Model, { tokens, parts, bytes }: EstimatedText, dtype: StateDtype) {
  const each = Math.ceil(tokens / parts)
  const state = storedStateBytes(model.geometry, { tokens: each, dtype })
  const around = model.vocabSize * LOGIT_BYTES + model.configBytes.byteLength + FRAME_BYTES
  return parts * (state + around) + tokens * TOKEN_BYTES + bytes
}
