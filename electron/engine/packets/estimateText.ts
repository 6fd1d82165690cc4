import type { StateDtype } from '#shared/domain/cartridge.ts'
import type { Output } from '#shared/rpc/client.ts'
import { storedStateBytes } from '../inference/stateBytes.ts'
import type { Model } from '../models/model.ts'
import { type ComposedText, composeText, type TextInput } from './composeText.ts'
import type { PacketContext } from './context.ts'
import { mostTokens } from './contextRoom.ts'
import { defaultDtype } from './defaultDtype.ts'
import { readingNotes } from './readingNotes.ts'

export interface EstimateInput extends TextInput {
  readonly model: string
  readonly dtype?: StateDtype | undefined
  /** Each source becomes a cartridge of its own. */
  readonly each?: boolean
}

/** What reading a text would take, before reading it: tokens, whether it fits, bytes of the cartridges, measured speed. */
export async function estimateText(context: PacketContext, input: EstimateInput): Promise<Output<'packets.estimate'>> {
  const model = await context.models.open(input.model)
  const limit = model.contextLength
  const most = limit === null ? null : mostTokens(limit)
  const frame = composeText(model, { ...input, sources: [{ name: 'text', text: 'a' }] }).tokens.length
  const partsOf = ({ length }: Int32Array) =>
    most === null || length <= most ? 1 : Math.max(1, Math.ceil(length / Math.max(1, most - frame)))
  const texts = (input.each ? input.sources.map(source => [source]) : [input.sources]).map(sources =>
    composeText(model, { ...input, sources }),
  )
  const sum = (of: (text: ComposedText) => number) => texts.reduce((total, text) => total + of(text), 0)
  const tokens = sum(text => text.tokens.length)
  const dtype = input.dtype ?? defaultDtype(model.kind)
  return {
    tokens,
    contextLength: limit,
    mostTokens: most,
    fits: most === null || texts.every(text => text.tokens.length <= most),
    parts: sum(text => partsOf(text.tokens)),
    bytes: sum(text => cartridgeBytes(model, text, { dtype, parts: partsOf(text.tokens) })),
    estimatedSeconds: context.meter.prefillSeconds(model.fingerprint.name, context.models.provider(), tokens),
    controlTokensInText: sum(text => text.spelled.length),
    notes: [...new Set(texts.flatMap(text => readingNotes(text)))],
  }
}

const TOKEN_BYTES = 4
const LOGIT_BYTES = 4
/** Manifest, config and recipe of a cartridge, about. */
const FRAME_BYTES = 3500

/** Of a text's cartridges, in so many parts: state, tokens, what the model would say next, texts and the model's config. */
function cartridgeBytes(
  model: Model,
  { tokens, baseBytes }: ComposedText,
  { dtype, parts }: { dtype: StateDtype; parts: number },
) {
  const each = Math.ceil(tokens.length / parts)
  const state = storedStateBytes(model.geometry, { tokens: each, dtype })
  const around = model.vocabSize * LOGIT_BYTES + model.configBytes.byteLength + FRAME_BYTES
  return parts * (state + around) + tokens.length * TOKEN_BYTES + baseBytes
}
