/** Says which field of a message breaks the contract, without repeating what the field holds. */
import type { z } from 'zod'
import { StatePackError } from '#shared/domain/error.ts'

/** `sources[0].text`; empty for the message itself. */
function fieldName(path: readonly PropertyKey[]): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${String(step)}`))
    .join('')
}

/**
 * What is wrong with a value that is none of several, where nothing else is said of it: with the one that it is nearest to, whose
 * problem lies deepest, or is the only one.
 */
function nearest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union' || issue.message !== 'Invalid input') return issue
  const problems = issue.errors.flatMap(([first, ...more]) =>
    first === undefined ? [] : [{ problem: nearest(first), more: more.length }],
  )
  problems.sort((a, b) => b.problem.path.length - a.problem.path.length || a.more - b.more)
  const [found] = problems
  return found === undefined ? issue : { ...found.problem, path: [...issue.path, ...found.problem.path] }
}

/** Values of the input never enter the message: they can hold a prompt, and errors are logged. */
export function fieldProblem(code: 'E_BAD_INPUT' | 'E_INTERNAL', method: string, error: z.ZodError): StatePackError {
  const [first] = error.issues
  const issue = first && nearest(first)
  const field = fieldName(issue?.path ?? [])
  const why = issue?.message ?? 'invalid'
  const message =
    code === 'E_BAD_INPUT'
      ? `${field === '' ? 'The input' : `The field “${field}”`} of ${method} is not valid: ${why}.`
      : `The engine's answer to ${method} broke the contract at “${field}”: ${why}.`
  return new StatePackError(code, message.replace(/\.\.$/, '.'), { method, field })
}
