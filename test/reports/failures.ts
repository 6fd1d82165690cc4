/** What failed, in few lines, for the end of `npm test`: a terminal or a log often keeps no more than its last lines. */
import { appendFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'

export interface Failure {
  /** File and name of the test, or what else failed. */
  readonly name: string
  readonly errors: readonly { readonly message?: string; readonly stack?: string; readonly diff?: string }[]
}

/** Lines of errors for all failures together; where more tests failed, each of the others still has its name and one line. */
const LINES = 120
/** What one failure takes at most of the lines that are left. */
const SHARE = 10
const LINE_CHARACTERS = 300

function linesOf({ message = '', stack = '', diff = '' }: Failure['errors'][number]): string[] {
  const at = stack
    .slice(stack.indexOf(message) + message.length)
    .split('\n')
    .find(line => /^\s+at /.test(line) && !/node_modules|node:internal/.test(line))
  return [...message.split('\n'), at ?? '', ...diff.split('\n')]
    .map(line => stripVTControlCharacters(line).slice(0, LINE_CHARACTERS))
    .filter(line => line.trim() !== '')
}

/**
 * What adds a failure, at once, to the file that `npm test` reads out at its end: a runner that is killed has said what failed
 * before. Alone, a test runner says it all by itself.
 */
export function openNotes(): (failure: Failure) => void {
  const file = process.env.NOTE_FAILURES_IN
  if (file === undefined) return () => {}
  let left = LINES
  return ({ name, errors }) => {
    const lines = errors.flatMap(linesOf).slice(0, Math.max(1, Math.ceil(left / SHARE)))
    left -= lines.length
    appendFileSync(file, `${[`✗ ${name}`, ...lines.map(line => `    ${line}`)].join('\n')}\n`)
  }
}
