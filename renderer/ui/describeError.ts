import { CancelledError } from '@tanstack/react-query'
import { type ErrorCode, StatePackError, toStatePackError } from '#shared/domain/error.ts'
import type { ErrorText } from './errorText.ts'
import { ERROR_TEXTS } from './errorTexts.ts'
import { shortDigest } from './format.ts'

export interface DescribedError extends Omit<ErrorText, 'detail'> {
  readonly code: ErrorCode
  /** The engine's sentence about the thing at hand; null where it has none, or only repeats `what`. */
  readonly particular: string | null
  /** The most telling sentence, for places that have room for one. */
  readonly line: string
  /** What only helps who looks into it: the machine's words and the values that came with them. */
  readonly raw: readonly string[]
}

/** Turns anything thrown into what happened, what it means, and what to do about it. */
export function describeError(thrown: unknown): DescribedError {
  // So the cache says that nobody waits for a reading any more.
  const isGivenUp = thrown instanceof CancelledError
  const error = isGivenUp ? new StatePackError('E_CANCELLED', 'Cancelled.') : toStatePackError(thrown)
  const { what, meaning, action, detail } = ERROR_TEXTS[error.code]
  // In full it is among the values.
  const said = error.message.trim().replaceAll(/sha256:[0-9a-f]{64}/g, shortDigest)
  const particular = detail === 'shown' && said !== '' && said !== what ? said : null
  const raw = [
    ...(particular === null && said !== '' && said !== what ? [said] : []),
    ...Object.entries(error.details).map(([name, value]) => `${name}: ${String(value)}`),
  ]
  return { code: error.code, what, meaning, action, particular, line: particular ?? what, raw }
}
