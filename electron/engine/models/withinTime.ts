import { createContext, Script } from 'node:vm'
import { isMainThread } from 'node:worker_threads'
import { StatePackError } from '#shared/domain/error.ts'

const sandbox: { run: () => unknown } = { run: () => undefined }
const context = createContext(sandbox)
const script = new Script('run()')

/**
 * Runs what is made by somebody else (a pattern that backtracks without end, say) for at most `ms` milliseconds, and lets
 * Ctrl+C through meanwhile: a regular expression gives the event loop no turn. Throws `late` when the time is over, and
 * `E_CANCELLED` when interrupted.
 */
export function withinTime<T>(ms: number, late: () => StatePackError, run: () => T): T {
  let result: { readonly value: T } | null = null
  const before = sandbox.run
  sandbox.run = () => {
    sandbox.run = before
    result = { value: run() }
  }
  try {
    script.runInContext(context, { timeout: Math.ceil(ms), breakOnSigint: isMainThread })
  } catch (error) {
    sandbox.run = before
    // An error of the other context: no instance of this one's Error.
    const code: unknown = Object(error).code
    if (code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw late()
    if (code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED') throw new StatePackError('E_CANCELLED', 'Cancelled.')
    throw error
  }
  return resultOf(result)
}

function resultOf<T>(result: { readonly value: T } | null): T {
  if (result === null) throw new Error('Nothing was run.')
  return result.value
}
