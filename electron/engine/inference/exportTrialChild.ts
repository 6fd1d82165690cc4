/** Loads an export as the engine would, and says how it went; see exportTrial.ts. */
import { Worker } from 'node:worker_threads'
import { toErrorValue } from '#shared/domain/error.ts'
import { openModel } from '../models/sources/openModel.ts'
import type { ExportTrial, TrialOutcome } from './exportTrial.ts'
import { openRuntime } from './runtime.ts'

/** Ends the process when it takes too much, or when nobody is there any more: native code may hold the other thread. */
const WATCH = `
const { workerData: { most, parent } } = require('node:worker_threads')
setInterval(() => {
  if (process.memoryUsage.rss() > most || process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
}, 25)`

const trial: ExportTrial = JSON.parse(process.argv[2] ?? '{}')
new Worker(WATCH, { eval: true, workerData: { most: trial.mostBytes, parent: process.ppid } }).unref()

process.send?.(await load(), () => process.exit(0))

async function load(): Promise<TrialOutcome> {
  try {
    const { folder, precision, cacheFolder } = trial
    const model = await openModel(folder, { precision, ...(cacheFolder !== undefined && { cacheFolder }) })
    const runtime = await openRuntime(model, { device: 'cpu', threads: 1 })
    await runtime.dispose()
    return { ok: true }
  } catch (thrown) {
    return { ok: false, error: toErrorValue(thrown) }
  }
}
