/** Says at the end of a run why tests were skipped, once for each reason. */
import type { Reporter, TestCase, TestResult } from '@playwright/test/reporter'

export default class SkipReasons implements Reporter {
  readonly #counts = new Map<string, number>()

  onTestEnd(test: TestCase, result: TestResult): void {
    if (result.status !== 'skipped') return
    const reason = test.annotations.find(({ type }) => type === 'skip')?.description
    const project = test.parent.project()?.name ?? 'unnamed'
    const line = `${project}: ${reason ?? 'no reason given'}`
    this.#counts.set(line, (this.#counts.get(line) ?? 0) + 1)
  }

  onEnd(): void {
    for (const [line, count] of this.#counts) console.log(`  ${count} skipped in ${line}.`)
  }
}
