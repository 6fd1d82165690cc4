import { isArguments } from '#shared/domain/tool.ts'
import type { ToolForm } from './toolForm.ts'

export interface CallIn {
  readonly name: string
  /** JSON; of a call that is not whole, as far as it was written (its last characters may be the form's). */
  readonly arguments: string
  readonly isWhole: boolean
}

/** A call of a tool in an answer, and what stands before it; until its name is written all of it is content. */
export function callIn(
  { open, middle, close, tag }: ToolForm,
  answer: string,
): { readonly content: string; readonly call: CallIn | null } {
  const at = tag === null ? (answer.startsWith(open) ? 0 : -1) : answer.indexOf(open)
  const named = at < 0 ? -1 : answer.indexOf(middle, at + open.length)
  if (named < 0) return { content: answer, call: null }
  const name = answer.slice(at + open.length, named)
  const written = answer.slice(named + middle.length)
  const whole = written.endsWith(close) ? written.slice(0, written.length - close.length) : written
  const isWhole = written.endsWith(close) && isArguments(whole)
  return { content: answer.slice(0, at), call: { name, arguments: isWhole ? whole : written, isWhole } }
}
