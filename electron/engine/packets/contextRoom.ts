import { StatePackError } from '#shared/domain/error.ts'
import type { LoadedModel } from '../live/modelPool.ts'

/** Tokens of a question and its answer, together: more than the longest answer that can be asked for. */
const ROOM = 1536

/** How much of a text is read into one cartridge: a fifth of the context, or {@link ROOM}, is left for questions. */
export function mostTokens(contextLength: number): number {
  return Math.max(1, contextLength - Math.min(ROOM, Math.ceil(contextLength / 5)))
}

/** How much room is left, where it is less than {@link mostTokens} would leave. */
export function roomNotes({ entry, model: { contextLength } }: LoadedModel, tokens: number): string[] {
  if (contextLength === null || tokens <= mostTokens(contextLength)) return []
  const left = Math.max(0, contextLength - tokens)
  return [
    `Of the ${contextLength} tokens that ${entry.id} reads, ${left} ${left === 1 ? 'stays' : 'stay'} free for questions and answers.`,
  ]
}

/** `E_CONTEXT_LENGTH` when a text of this many tokens is more than the model reads. */
export function assertFitsContext({ entry, model }: LoadedModel, tokens: number): void {
  if (model.contextLength === null || tokens <= model.contextLength) return
  throw new StatePackError(
    'E_CONTEXT_LENGTH',
    `The text has ${tokens} tokens; ${entry.id} reads at most ${model.contextLength}. Split it (--split), keep its first part (--first-tokens ${mostTokens(model.contextLength)}, which leaves room for questions), or use a recurrent model (--model).`,
    { tokens, contextLength: model.contextLength },
  )
}

/** `E_CONTEXT_LENGTH` when a state has no room for what is to be read after it. */
export function assertRoom({ entry, model }: LoadedModel, { read, more }: { read: number; more: number }): void {
  if (model.contextLength === null || read + more <= model.contextLength) return
  throw new StatePackError(
    'E_CONTEXT_LENGTH',
    `The context is full: ${entry.id} reads at most ${model.contextLength} tokens, the state has ${read} and this text (--delta) ${more} more. Go on from an earlier state (--manifest), or read the text into a cartridge of its own (create --split).`,
    { tokens: read + more, contextLength: model.contextLength },
  )
}
