/** Failures are values at a boundary: what crosses it is this, never a thrown exception. */
import { type ErrorValue, StatePackError, toErrorValue } from '../domain/error.ts'

export type Result<T> = { readonly ok: true; readonly data: T } | { readonly ok: false; readonly error: ErrorValue }

/** Runs `work` and turns whatever happens into a {@link Result}. */
export async function settle<T>(work: () => Promise<T> | T): Promise<Result<T>> {
  try {
    return { ok: true, data: await work() }
  } catch (thrown) {
    return { ok: false, error: toErrorValue(thrown) }
  }
}

/** The data of a result, or its error thrown as a {@link StatePackError}. */
export function unwrap<T>(result: Result<T>): T {
  if (result.ok) return result.data
  throw new StatePackError(result.error.code, result.error.message, result.error.details)
}
