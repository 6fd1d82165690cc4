/** A line for each test that ran or should have. Of what was skipped, only how many and why, at the end. */
import { relative } from 'node:path'
import type { FullConfig, Reporter, Suite, TestCase, TestError, TestResult } from '@playwright/test/reporter'
import { openNotes } from './failures.ts'

export default class BrowserReport implements Reporter {
  readonly #skipped = new Map<string, number>()
  readonly #note = openNotes()
  #root = ''

  onBegin({ rootDir }: FullConfig, suite: Suite): void {
    this.#root = rootDir
    console.log(`${suite.allTests().length} tests\n`)
  }

  onTestEnd(test: TestCase, { status, duration, errors }: TestResult): void {
    const project = test.parent.project()?.name ?? 'unnamed'
    const isAsExpected = status === test.expectedStatus
    if (status === 'skipped' && isAsExpected) {
      const reason = test.annotations.find(({ type }) => type === 'skip')?.description
      const line = `${project}: ${reason ?? 'no reason given'}`
      this.#skipped.set(line, (this.#skipped.get(line) ?? 0) + 1)
      return
    }
    const place = `${relative(this.#root, test.location.file)}:${test.location.line}`
    const name = [`[${project}]`, place, ...test.titlePath().slice(3)].join(' › ')
    console.log(`  ${isAsExpected ? '✓' : '✗'} ${name} (${(duration / 1000).toFixed(1)} s)`)
    if (isAsExpected) return
    // Skipped by no word of its own: a hook or a test before it failed.
    const ending = status === 'skipped' ? 'did not run' : status
    this.#note({ name, errors: errors.length > 0 ? errors : [{ message: ending }] })
  }

  onError(error: TestError): void {
    this.#note({ name: 'An error of no test', errors: [error] })
  }

  onEnd(): void {
    for (const [line, count] of this.#skipped) console.log(`  ${count} skipped in ${line}.`)
  }
}
