/**
 * A tokenizer may be anybody's: reading its file can take all memory, its patterns can backtrack without end. So one that is
 * not known yet is opened and tried once in a thread of its own, while the engine's event loop goes on turning.
 */
import { Worker } from 'node:worker_threads'
import { sha256 } from '#engine/sha256.ts'
import { type ErrorValue, StatePackError } from '#shared/domain/error.ts'
import { TrialVerdicts } from '../trialVerdicts.ts'
import type { TokenizerSource } from './tokenizerFiles.ts'

export interface TokenizerTrialOptions {
  /** Where verdicts are kept. */
  readonly cacheFolder?: string
  /** It came with this app: it is known. */
  readonly own?: boolean
  readonly signal?: AbortSignal
}

/** What the thread found; `too much`: time or memory ended it. */
export type TrialOutcome = 'loads' | 'too much' | { readonly error: ErrorValue }

/** Of the thread's heap: many times what the largest real tokenizer takes. */
const LIMIT_MB = 2048
const WORKER = new URL(`./tokenizerTrialWorker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
const verdicts = new TrialVerdicts('tried-tokenizers.json')

/**
 * Throws `E_TOKENIZER` for one that does not open within limits of time and memory, now or when it was tried before, and what
 * opening it throws; `E_CANCELLED`.
 */
export async function requireUsable(source: TokenizerSource, options: TokenizerTrialOptions = {}): Promise<void> {
  const { cacheFolder, own = false, signal } = options
  if (own) return
  const digest = digestOf(source)
  const known = await verdicts.of(digest, cacheFolder)
  if (known === 'loads') return
  const outcome = known === null ? await tryInThread(source, signal) : 'too much'
  if (typeof outcome === 'object') {
    const { code, message, details } = outcome.error
    throw new StatePackError(code, message, details)
  }
  if (known === null) await verdicts.keep(digest, outcome === 'loads' ? 'loads' : 'does not load', cacheFolder)
  if (outcome === 'too much') {
    const message =
      'The tokenizer of this model does not come to an end, or takes all memory (a pattern that backtracks, say): it is not used.'
    throw new StatePackError('E_TOKENIZER', message, { file: 'tokenizer.json' })
  }
}

async function tryInThread(source: TokenizerSource, signal: AbortSignal | undefined): Promise<TrialOutcome> {
  if (signal?.aborted) throw new StatePackError('E_CANCELLED', 'Cancelled.')
  const worker = new Worker(WORKER, { workerData: source, resourceLimits: { maxOldGenerationSizeMb: LIMIT_MB } })
  const { promise, resolve, reject } = Promise.withResolvers<TrialOutcome>()
  const cancel = () => reject(new StatePackError('E_CANCELLED', 'Cancelled.'))
  signal?.addEventListener('abort', cancel)
  worker.once('message', resolve)
  worker.once('error', cause => {
    if ('code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY') resolve('too much')
    else reject(new StatePackError('E_TOKENIZER', 'The tokenizer of this model cannot be opened.', {}, cause))
  })
  worker.once('exit', () => resolve('too much'))
  try {
    return await promise
  } finally {
    signal?.removeEventListener('abort', cancel)
    await worker.terminate()
  }
}

/** Of everything that is tried. */
function digestOf(source: TokenizerSource): string {
  if (source.kind === 'parsed') return source.files.digest
  return sha256(
    new TextEncoder().encode(
      JSON.stringify(Object.entries(source.bytes).map(([name, bytes]) => [name, bytes && sha256(bytes)])),
    ),
  )
}
