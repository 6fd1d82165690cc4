/** What failed, in few lines, for the end of `npm test`: a terminal or a log often keeps no more than its last lines. */
import { appendFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'

export interface Failure {
  /** File and name of the test, or what else failed. */
  readonly name: string
  readonly errors: readonly { readonly message?: string; readonly stack?: string; readonly diff?: string }[]
}

/** Lines of errors for all failures together: where many tests failed, each still has its name and one line. */
const LINES = 120
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

/** Adds `failures` to the file that `npm test` reads out at its end. Alone, a test runner has said it all already. */
export function noteFailures(failures: readonly Failure[]): void {
  const file = process.env.NOTE_FAILURES_IN
  if (file === undefined) return
  const most = Math.min(12, Math.max(1, Math.floor(LINES / failures.length)))
  for (const { name, errors } of failures) {
    const lines = errors.flatMap(linesOf).slice(0, most)
    appendFileSync(file, `${[`✗ ${name}`, ...lines.map(line => `    ${line}`)].join('\n')}\n`)
  }
}
