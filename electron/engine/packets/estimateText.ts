import type { Output } from '#shared/rpc/client.ts'
import { stateBytes } from '../inference/stateBytes.ts'
import { composeText, type TextInput } from './composeText.ts'
import type { PacketContext } from './context.ts'
import { readingNotes } from './readingNotes.ts'

/** What reading a text would take, before reading it: tokens, whether it fits, bytes of float32 state, measured speed. */
export async function estimateText(
  context: PacketContext,
  input: TextInput & { readonly model: string },
): Promise<Output<'packets.estimate'>> {
  const model = await context.models.open(input.model)
  const text = composeText(model, input)
  const tokens = text.tokens.length
  const limit = model.contextLength
  const most = limit === null ? null : mostTokens(limit)
  const frame = composeText(model, { ...input, sources: [{ name: 'text', text: 'a' }] }).tokens.length
  const { perToken, fixed } = stateBytes(model.geometry)
  return {
    tokens,
    contextLength: limit,
    mostTokens: most,
    fits: most === null || tokens <= most,
    parts: most === null ? 1 : Math.max(1, Math.ceil(tokens / Math.max(1, most - frame))),
    stateBytes: fixed + perToken * tokens,
    estimatedSeconds: context.meter.prefillSeconds(model.fingerprint.name, context.models.provider(), tokens),
    controlTokensInText: text.spelled.length,
    notes: readingNotes(text),
  }
}

/** Tokens of a question and its answer, together: more than the longest answer that can be asked for. */
const ROOM = 1536

/** How much of a text is read into one cartridge: a fifth of the context, or {@link ROOM}, is left for questions. */
export function mostTokens(contextLength: number): number {
  return Math.max(1, contextLength - Math.min(ROOM, Math.ceil(contextLength / 5)))
}
