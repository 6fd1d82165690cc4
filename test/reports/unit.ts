import type { Reporter, SerializedError, TestCase, TestModule, TestSuite } from 'vitest/node'
import { type Failure, openNotes } from './failures.ts'

/** Notes every test, file and process of a run that failed, as soon as it has. */
export default class UnitReport implements Reporter {
  readonly #note = openNotes()

  onTestCaseResult(test: TestCase): void {
    const { state, errors = [] } = test.result()
    if (state === 'failed') this.#note({ name: `${test.module.relativeModuleId} > ${test.fullName}`, errors })
  }

  onTestSuiteResult(suite: TestSuite): void {
    this.#noteAny(`${suite.module.relativeModuleId} > ${suite.fullName}`, suite.errors())
  }

  onTestModuleEnd(testModule: TestModule): void {
    this.#noteAny(testModule.relativeModuleId, testModule.errors())
  }

  onTestRunEnd(testModules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    for (const testModule of testModules) {
      const name = testModule.relativeModuleId
      if (['pending', 'queued'].includes(testModule.state()))
        this.#note({ name, errors: [...testModule.errors(), { message: 'did not finish' }] })
    }
    for (const error of unhandled) this.#note({ name: 'An error of no test', errors: [error] })
  }

  #noteAny(name: string, errors: Failure['errors']): void {
    if (errors.length > 0) this.#note({ name, errors })
  }
}
