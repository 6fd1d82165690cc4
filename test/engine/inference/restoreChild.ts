/** A fresh process that restores every state of a folder and continues each: `node restoreChild.ts FOLDER`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openRuntime } from '#engine/inference/runtime.ts'
import { continueWith } from './continuation.ts'
import { runnableModel } from './runnableModel.ts'
import { readState } from './stateFile.ts'

export interface RestoreCase {
  readonly model: string
  readonly file: string
  readonly rest: number[]
  readonly greedy: number
}

const folder = process.argv[2]
if (folder !== undefined) {
  const cases = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8')) as RestoreCase[]
  const results = []
  for (const model of new Set(cases.map(({ model }) => model))) {
    await using runtime = await openForTest(model)
    for (const { file, rest, greedy } of cases.filter(one => one.model === model)) {
      using session = await runtime.restore(readState(join(folder, file)))
      const restoring = session.processed
      const continued = await continueWith(session, rest, greedy)
      results.push({ file, restoring, processed: session.processed, ...continued })
    }
  }
  writeFileSync(join(folder, 'results.json'), JSON.stringify(results))
}

async function openForTest(model: string) {
  const runtime = await openRuntime(await runnableModel(model), { device: 'cpu', threads: 2 })
  return { restore: runtime.restore, [Symbol.asyncDispose]: () => runtime.dispose() }
}
