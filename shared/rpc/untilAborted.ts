import { StatePackError } from '../domain/error.ts'

/** What `work` gives, or `E_CANCELLED` as soon as `signal` says so, however long `work` still takes. */
export async function untilAborted<T>(signal: AbortSignal | undefined, work: T | Promise<T>): Promise<T> {
  if (signal === undefined) return work
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(new StatePackError('E_CANCELLED', 'Cancelled.'))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([aborted.promise, work])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
