import { createContext, Script } from 'node:vm'
import { isMainThread } from 'node:worker_threads'
import { StatePackError } from '#shared/domain/error.ts'

const sandbox: { run: () => unknown } = { run: () => undefined }
const context = createContext(sandbox)
const script = new Script('run()')

/** How much longer a run may take by the clock when the processor had other things to do. */
const PATIENCE = 16

/**
 * Runs what is made by somebody else (a pattern that backtracks without end, say) for at most `ms` milliseconds of work, and
 * lets Ctrl+C through meanwhile: a regular expression gives the event loop no turn. Throws `late` when the time is over, and
 * `E_CANCELLED` when interrupted. On a machine that is busy otherwise the time by the clock says nothing: when it ends a run
 * for half of which the process did not get the processor, `run` begins again with more of it.
 */
export function withinTime<T>(ms: number, late: () => StatePackError, run: () => T): T {
  for (let clock = Math.ceil(ms); ; clock *= 4) {
    const before = process.cpuUsage()
    const outcome = runFor(clock, run)
    if (outcome !== null) return outcome.value
    const { user, system } = process.cpuUsage(before)
    if ((user + system) / 1000 >= ms / 2 || clock >= ms * PATIENCE) throw late()
  }
}

/** null when the time by the clock was over before the end. */
function runFor<T>(ms: number, run: () => T): { readonly value: T } | null {
  let result: { readonly value: T } | null = null
  const before = sandbox.run
  sandbox.run = () => {
    sandbox.run = before
    result = { value: run() }
  }
  try {
    script.runInContext(context, { timeout: ms, breakOnSigint: isMainThread })
    return result
  } catch (error) {
    sandbox.run = before
    // An error of the other context: no instance of this one's Error.
    const code: unknown = Object(error).code
    if (code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return null
    if (code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED') throw new StatePackError('E_CANCELLED', 'Cancelled.')
    throw error
  }
}
