/** A step gives one more token to whoever is generating; a chunk reads so many tokens of a text. */
export type Turn = 'step' | { readonly tokens: number }

/** Runs tasks one at a time. A failed task does not stop the next. */
export type RunQueue = <T>(task: () => Promise<T>, turn?: Turn) => Promise<T>

/** Tokens that are read between two steps at most: those of one full chunk. */
const TOKENS_BETWEEN_STEPS = 128
/** A shorter chunk takes as long as one of so many tokens: it reads all weights too. */
const LEAST_TOKENS = 32

/**
 * One queue per runtime: sessions of one model take turns run by run, in the order they asked. Where steps and chunks
 * wait, they alternate, so that a long text keeps nobody who is generating waiting for more than a chunk, and whoever begins
 * to read is not kept waiting by those who generate. Short chunks go together up to the length of a full one: those who
 * come at the same time are then read first, and generate together.
 */
export function createRunQueue(): RunQueue {
  const steps: (() => Promise<unknown>)[] = []
  const chunks: { readonly run: () => Promise<unknown>; readonly tokens: number }[] = []
  let isRunning = false
  let room = TOKENS_BETWEEN_STEPS

  function next(): (() => Promise<unknown>) | undefined {
    const [chunk] = chunks
    const fits = chunk !== undefined && (room === TOKENS_BETWEEN_STEPS || chunk.tokens <= room)
    if (chunk !== undefined && (fits || steps.length === 0)) {
      chunks.shift()
      room = Math.max(0, room - chunk.tokens)
      return chunk.run
    }
    room = TOKENS_BETWEEN_STEPS
    return steps.shift()
  }

  async function serve(): Promise<void> {
    if (isRunning) return
    isRunning = true
    for (let task = next(); task !== undefined; task = next()) await task()
    isRunning = false
  }

  return (task, turn = 'step') =>
    new Promise((resolve, reject) => {
      const run = () => task().then(resolve, reject)
      if (turn === 'step') steps.push(run)
      else chunks.push({ run, tokens: Math.max(LEAST_TOKENS, turn.tokens) })
      void serve()
    })
}
