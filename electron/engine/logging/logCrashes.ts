import type { Log } from './openLog.ts'

/** Writes down why this process ends when nobody caught an error; how it ends stays as it is. */
export function logCrashes(log: Log): void {
  process.on('uncaughtExceptionMonitor', thrown => log.failed('crashed', thrown))
}
