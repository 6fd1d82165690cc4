import { StatePackError } from '#shared/domain/error.ts'
import type { LoadedModel } from '../live/modelPool.ts'

/** `E_CONTEXT_LENGTH` when a text of this many tokens is more than the model reads. */
export function assertFitsContext({ entry, model }: LoadedModel, tokens: number): void {
  if (model.contextLength === null || tokens <= model.contextLength) return
  throw new StatePackError(
    'E_CONTEXT_LENGTH',
    `The text has ${tokens} tokens; ${entry.id} reads at most ${model.contextLength}. Split it (--split), keep its first part (--first-tokens ${model.contextLength}), or use a recurrent model (--model).`,
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
