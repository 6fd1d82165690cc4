import { StatePackError } from '#shared/domain/error.ts'

/** Why an input does not reach the engine: structured clone cannot copy it (a function, nesting without end). */
export function unsendable(thrown: unknown): StatePackError {
  return new StatePackError('E_BAD_INPUT', 'The input holds something that cannot be sent.', {}, thrown)
}
