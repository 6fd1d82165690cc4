import type { ErrorCode, ErrorValue } from '#shared/domain/error.ts'

/** Fields of methods that the command line calls otherwise; the rest are flags under their own name. */
const FLAGS: Readonly<Record<string, string>> = { ref: '--manifest', systemPrompt: '--system', sources: '--base' }

/** Ways out that are the same for every error of a code. */
const WAYS: Partial<Record<ErrorCode, string>> = {
  E_AMBIGUOUS: 'With --model, that model’s is meant.',
  E_CONTEXT_LENGTH: 'With --split, create makes several cartridges; with --first-tokens N it keeps the beginning.',
  E_NOT_TEXT: 'With --encoding NAME, create reads a text in that encoding.',
  E_RESTRICTED: 'See statepack verify --level recomputed, and statepack import --trust.',
  E_UNKNOWN_MODEL: 'statepack models list shows what is installed; --model takes a folder, too.',
}

/** An error's message in the words of the command line: fields as flags, and the flag that is the way out. */
export function inFlags({ code, message, details }: ErrorValue): string {
  const said = message.replace(/^The field “([^”]+)” of \S+ is not valid: /, (_, field: string) => `${flagOf(field)}: `)
  const way = details.lenient === true ? 'With --lenient, import takes it.' : WAYS[code]
  return way === undefined ? said : `${said} ${way}`
}

function flagOf(field: string): string {
  const [first = ''] = field.split(/[.[]/)
  const last = field.split('.').at(-1) ?? field
  return FLAGS[first] ?? `--${last.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
}
