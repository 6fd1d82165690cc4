/** Says which field of a message breaks the contract, without repeating what the field holds. */
import type { z } from 'zod'
import { StatePackError } from '#shared/domain/error.ts'

/** `sources[0].text`; empty for the message itself. */
function fieldName(path: readonly PropertyKey[]): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${String(step)}`))
    .join('')
}

/** Values of the input never enter the message: they can hold a prompt, and errors are logged. */
export function fieldProblem(code: 'E_BAD_INPUT' | 'E_INTERNAL', method: string, error: z.ZodError): StatePackError {
  const issue = error.issues[0]
  const field = fieldName(issue?.path ?? [])
  const why = issue?.message ?? 'invalid'
  const message =
    code === 'E_BAD_INPUT'
      ? `${field === '' ? 'The input' : `The field “${field}”`} of ${method} is not valid: ${why}.`
      : `The engine's answer to ${method} broke the contract at “${field}”: ${why}.`
  return new StatePackError(code, message.replace(/\.\.$/, '.'), { method, field })
}
