/** A line for each test that ran. Of what was skipped, only how many and why, at the end. */
import { relative } from 'node:path'
import type { FullConfig, Reporter, Suite, TestCase, TestError, TestResult } from '@playwright/test/reporter'
import { type Failure, noteFailures } from './failures.ts'

export default class BrowserReport implements Reporter {
  readonly #skipped = new Map<string, number>()
  readonly #failures: Failure[] = []
  #root = ''

  onBegin({ rootDir }: FullConfig, suite: Suite): void {
    this.#root = rootDir
    console.log(`${suite.allTests().length} tests\n`)
  }

  onTestEnd(test: TestCase, { status, duration, errors }: TestResult): void {
    const project = test.parent.project()?.name ?? 'unnamed'
    if (status === 'skipped') {
      const reason = test.annotations.find(({ type }) => type === 'skip')?.description
      const line = `${project}: ${reason ?? 'no reason given'}`
      this.#skipped.set(line, (this.#skipped.get(line) ?? 0) + 1)
      return
    }
    const place = `${relative(this.#root, test.location.file)}:${test.location.line}`
    const name = [`[${project}]`, place, ...test.titlePath().slice(3)].join(' › ')
    console.log(`  ${test.ok() ? '✓' : '✗'} ${name} (${(duration / 1000).toFixed(1)} s)`)
    if (!test.ok()) this.#failures.push({ name, errors: errors.length > 0 ? errors : [{ message: status }] })
  }

  onError(error: TestError): void {
    this.#failures.push({ name: 'An error of no test', errors: [error] })
  }

  onEnd(): void {
    for (const [line, count] of this.#skipped) console.log(`  ${count} skipped in ${line}.`)
    noteFailures(this.#failures)
  }
}
