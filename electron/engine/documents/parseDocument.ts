import type { HeapInfo } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { StatePackError } from '#shared/domain/error.ts'
import type { Job, Outcome } from './extractWorker.ts'

/** Of V8's heap, and of the buffers beside it, into which pages and pictures are unpacked. */
const LIMIT_MB = 2048
const BUFFERS_LIMIT_MB = 1024
const WATCH_MS = 100
const LIMIT_MS = 5 * 60_000

/** The worker beside this module: its source when run as it is, its built file in the build. */
const WORKER = new URL(`./extractWorker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

/**
 * Parses a document in a thread of its own, within limits of time and memory, buffers included. Throws `E_NOT_TEXT`, `E_TOO_LARGE` (also when
 * a limit is met), `E_CANCELLED`.
 */
export async function parseDocument(job: Job, signal?: AbortSignal): Promise<string> {
  if (signal?.aborted) throw new StatePackError('E_CANCELLED', 'Cancelled.')
  const worker = new Worker(WORKER, {
    workerData: job,
    transferList: job.kind === 'pdf' ? [job.bytes.buffer] : [],
    resourceLimits: { maxOldGenerationSizeMb: LIMIT_MB },
    // What a parser prints about a broken file is of no use to anyone here.
    ...{ stdout: true, stderr: true },
  })
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>()
  const cancel = () => reject(new StatePackError('E_CANCELLED', 'Cancelled.'))
  const late = setTimeout(
    () => reject(new StatePackError('E_TOO_LARGE', 'Reading this document takes too long.', { limitMs: LIMIT_MS })),
    LIMIT_MS,
  )
  const tooMuch = (limitMb: number) =>
    reject(new StatePackError('E_TOO_LARGE', 'Reading this document takes too much memory.', { limitMb }))
  // V8 limits its own heap only. A thread answers this also in the middle of its work.
  const watch = setInterval(() => {
    const check = ({ external_memory: bytes }: HeapInfo) =>
      bytes > BUFFERS_LIMIT_MB * 2 ** 20 && tooMuch(BUFFERS_LIMIT_MB)
    // It refuses once it has ended, which is told elsewhere.
    worker.getHeapStatistics().then(check, () => {})
  }, WATCH_MS)
  signal?.addEventListener('abort', cancel)
  worker.once('message', resolve)
  worker.once('error', cause =>
    'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY'
      ? tooMuch(LIMIT_MB)
      : reject(new StatePackError('E_NOT_TEXT', 'This document cannot be read.', {}, cause)),
  )
  worker.once('exit', () => reject(new StatePackError('E_NOT_TEXT', 'This document cannot be read.')))
  try {
    const outcome = await promise
    if ('text' in outcome) return outcome.text
    throw new StatePackError(outcome.error.code, outcome.error.message, outcome.error.details)
  } finally {
    clearTimeout(late)
    clearInterval(watch)
    signal?.removeEventListener('abort', cancel)
    await worker.terminate()
  }
}
