/** A step gives one more token to whoever is generating; a chunk reads a piece of a text. */
export type Lane = 'step' | 'chunk'

/** Runs tasks one at a time. A failed task does not stop the next. */
export type RunQueue = <T>(task: () => Promise<T>, lane?: Lane) => Promise<T>

/**
 * One queue per runtime: sessions of one model take turns run by run, in the order they asked. Where both lanes have
 * somebody waiting, they alternate: a long text keeps nobody who is generating waiting for more than a chunk, and whoever
 * begins to read is not kept waiting by those who generate.
 */
export function createRunQueue(): RunQueue {
  const waiting: Record<Lane, (() => Promise<unknown>)[]> = { step: [], chunk: [] }
  let isRunning = false
  let last: Lane = 'chunk'

  async function run(): Promise<void> {
    if (isRunning) return
    isRunning = true
    for (;;) {
      const other = last === 'step' ? 'chunk' : 'step'
      last = waiting[other].length > 0 ? other : last
      const next = waiting[last].shift()
      if (next === undefined) break
      await next()
    }
    isRunning = false
  }

  return (task, lane = 'step') =>
    new Promise((resolve, reject) => {
      waiting[lane].push(() => task().then(resolve, reject))
      void run()
    })
}
