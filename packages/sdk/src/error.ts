import { ERROR_CODES, type ErrorCode, StatePackError as Thrown } from '../../../shared/domain/error.ts'

/** What every call throws: `code` is one of a closed table (`E_NOT_FOUND`, `E_BUSY`, …), `message` says what to do. */
export interface StatePackError extends Error {
  readonly code: string
  readonly details: Readonly<Record<string, string | number | boolean | null>>
}

export function isStatePackError(thrown: unknown): thrown is StatePackError {
  return thrown instanceof Thrown
}

/** A failure as the HTTP API tells it. */
export function errorOf(body: unknown, status: number): Error {
  const { code, message, details } = (body as { error?: Partial<StatePackError> } | null)?.error ?? {}
  if (code === undefined || !Object.hasOwn(ERROR_CODES, code))
    return new Thrown('E_NETWORK', `The server answered ${status}, and not as a State Pack server does.`, { status })
  return new Thrown(code as ErrorCode, message ?? code, details)
}
