/**
 * ONNX Runtime loads an export in native code that nothing can interrupt, and eight changed bytes can make it take all
 * memory. So an export that is not known yet is loaded once in a process of its own, which may be ended.
 */
import { fork } from 'node:child_process'
import { type ErrorValue, StatePackError } from '#shared/domain/error.ts'
import type { Model, Precision } from '../models/model.ts'
import { TrialVerdicts } from '../models/trialVerdicts.ts'

export interface ExportTrial {
  readonly folder: string
  readonly precision: Precision
  readonly cacheFolder: string | undefined
  /** Bytes of memory that the whole process may take. */
  readonly mostBytes: number
}

export type TrialOutcome = { readonly ok: true } | { readonly ok: false; readonly error: ErrorValue }

export interface TrialLimits {
  /** Bytes besides what the weights need, and milliseconds besides what reading them takes. */
  readonly bytes: number
  readonly ms: number
}

const LIMITS: TrialLimits = { bytes: 1 << 30, ms: 120_000 }
/** Copies of the weights that a runtime may hold while it loads them. */
const COPIES = 4
const BYTES_A_MS = 20_000
const verdicts = new TrialVerdicts('tried-exports.json')

const CHILD = new URL(`./exportTrialChild${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

/**
 * Throws `E_MODEL_WEIGHTS` for an export that does not load within the limits, now or when it was tried before (the outcome
 * is kept in `cacheFolder` by the digest of the weights), and what loading it throws. The packaged app has no Node to start:
 * there the engine's own supervisor is what ends it.
 */
export async function requireLoadable(
  { folder, fingerprint, weightsBytes }: Model,
  options: { cacheFolder?: string; signal?: AbortSignal; limits?: TrialLimits } = {},
): Promise<void> {
  if (process.versions.electron !== undefined) return
  const { cacheFolder, signal, limits = LIMITS } = options
  const known = await verdicts.of(fingerprint.weightsDigest, cacheFolder)
  if (known === 'loads') return
  if (known === 'does not load') throw notLoadable(limits)
  const mostBytes = limits.bytes + COPIES * weightsBytes
  const outcome = await tryInChild(
    { folder, precision: fingerprint.precision, cacheFolder, mostBytes },
    { signal, ms: limits.ms + weightsBytes / BYTES_A_MS },
  )
  if (outcome !== null && !outcome.ok)
    throw new StatePackError(outcome.error.code, outcome.error.message, outcome.error.details)
  await verdicts.keep(fingerprint.weightsDigest, outcome === null ? 'does not load' : 'loads', cacheFolder)
  if (outcome === null) throw notLoadable(limits)
}

/** null when the process had to be ended, or ended itself. Throws `E_CANCELLED`. */
async function tryInChild(
  trial: ExportTrial,
  { signal, ms }: { signal: AbortSignal | undefined; ms: number },
): Promise<TrialOutcome | null> {
  const child = fork(CHILD, [JSON.stringify(trial)], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const { promise, resolve, reject } = Promise.withResolvers<TrialOutcome | null>()
  const end = () => resolve(null)
  const timer = setTimeout(end, ms)
  child.once('message', message => resolve(message as TrialOutcome))
  // Ended by a signal: of the watch, or of native code that failed. An exit code means that the trial itself did not run.
  const failed = (cause?: unknown) =>
    reject(new StatePackError('E_INFERENCE', 'The process that tries ONNX exports could not run.', {}, cause))
  child.once('exit', (_, by) => (by === null ? failed() : end()))
  child.once('error', failed)
  signal?.addEventListener('abort', end)
  try {
    if (signal?.aborted) end()
    const outcome = await promise
    if (signal?.aborted) throw new StatePackError('E_CANCELLED', 'Cancelled.')
    return outcome
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', end)
    child.kill('SIGKILL')
  }
}

function notLoadable({ ms }: TrialLimits): StatePackError {
  const message =
    'ONNX Runtime does not load this export within limits of memory and time: it is damaged, or made to do harm. It is not used.'
  return new StatePackError('E_MODEL_WEIGHTS', message, { limitSeconds: Math.round(ms / 1000) })
}
