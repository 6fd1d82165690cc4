/** Waits for `work`, or throws the signal's reason as soon as it is aborted; the work itself goes on. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  signal?.throwIfAborted()
  const left = Promise.withResolvers<never>()
  const leave = () => left.reject(signal?.reason)
  signal?.addEventListener('abort', leave)
  try {
    return await Promise.race([work, left.promise])
  } finally {
    signal?.removeEventListener('abort', leave)
  }
}
