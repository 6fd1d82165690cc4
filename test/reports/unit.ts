import type { Reporter, SerializedError, TestModule } from 'vitest/node'
import { type Failure, noteFailures } from './failures.ts'

function failuresOf(testModule: TestModule): Failure[] {
  const file = testModule.relativeModuleId
  const suites = [...testModule.children.allSuites()].map(suite => ({ name: suite.fullName, errors: suite.errors() }))
  const tests = [...testModule.children.allTests('failed')].map(test => ({
    name: test.fullName,
    errors: test.result().errors ?? [],
  }))
  const state = testModule.state()
  return [
    { name: file, errors: testModule.errors() },
    ...suites.map(({ name, errors }) => ({ name: `${file} > ${name}`, errors })),
  ]
    .filter(({ errors }) => errors.length > 0)
    .concat(tests.map(({ name, errors }) => ({ name: `${file} > ${name}`, errors: [...errors] })))
    .concat(state === 'pending' || state === 'queued' ? [{ name: file, errors: [{ message: 'did not finish' }] }] : [])
}

/** Notes every test, file and process of a run that failed. */
export default class UnitReport implements Reporter {
  onTestRunEnd(testModules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    noteFailures([
      ...testModules.flatMap(failuresOf),
      ...unhandled.map(error => ({ name: 'An error of no test', errors: [error] })),
    ])
  }
}
