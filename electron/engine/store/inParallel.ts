/**
 * Runs `work` over the items with at most `limit` at a time, results in order. When one fails, no new ones are started,
 * the running ones are awaited (so that nobody still holds a file), and the first error is thrown.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const errors: unknown[] = []
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < items.length && errors.length === 0) {
      const index = next++
      const item = items[index] as T
      try {
        results[index] = await work(item, index)
      } catch (error) {
        errors.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane))
  if (errors.length > 0) throw errors[0]
  return results
}
