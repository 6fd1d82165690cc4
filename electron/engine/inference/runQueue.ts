/** Runs tasks one after another in the order they were asked for. A failed task does not stop the next. */
export type RunQueue = <T>(task: () => Promise<T>) => Promise<T>

/**
 * One queue per runtime: sessions of one model take turns run by run (a chunk of prefill or one decode step), so a long
 * prefill never keeps another session waiting for more than a chunk.
 */
export function createRunQueue(): RunQueue {
  let last: Promise<unknown> = Promise.resolve()
  return task => {
    const result = last.then(task)
    last = result.catch(() => undefined)
    return result
  }
}
