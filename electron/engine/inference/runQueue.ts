import { setImmediate as nextTurn } from 'node:timers/promises'

/** A step gives one more token to whoever is generating (`first step`: to nobody who has had one); a chunk reads so many tokens of a text. */
export type Turn = 'step' | 'first step' | { readonly tokens: number }

/** Runs tasks one at a time. A failed task does not stop the next. */
export type RunQueue = <T>(task: () => Promise<T>, turn?: Turn) => Promise<T>

/** Tokens that are read between two steps at most: those of one full chunk. */
const TOKENS_BETWEEN_STEPS = 128
/** A shorter chunk takes as long as one of so many tokens: it reads all weights too. */
const LEAST_TOKENS = 32
/** Tokens of short chunks that are read before a first step, counted likewise: who has not begun is held up by no more than that. */
const TOKENS_BEFORE_FIRST = 256

/**
 * One queue per runtime: sessions of one model take turns run by run, in the order they asked. Where steps and chunks
 * wait, they alternate, so that a long text keeps nobody who is generating waiting for more than a chunk, and whoever begins
 * to read is not kept waiting by those who generate. Short chunks go together up to the length of a full one, and up to two before
 * the first step of those who generate: those who come at the same time are then read first, and generate together from their first step
 * to their last. What goes next is chosen one turn of the event loop after the run before, so whoever came during that run is there.
 */
export function createRunQueue(): RunQueue {
  const steps: { readonly run: () => Promise<unknown>; readonly isFirst: boolean }[] = []
  const chunks: { readonly run: () => Promise<unknown>; readonly tokens: number }[] = []
  let isRunning = false
  /** Tokens since the last step. */
  let read = 0

  function fits({ tokens }: { readonly tokens: number }): boolean {
    const [step] = steps
    if (step === undefined || read === 0) return true
    const most = step.isFirst && tokens === LEAST_TOKENS ? TOKENS_BEFORE_FIRST : TOKENS_BETWEEN_STEPS
    return read + tokens <= most
  }

  function next(): (() => Promise<unknown>) | undefined {
    const [chunk] = chunks
    if (chunk !== undefined && fits(chunk)) {
      chunks.shift()
      read += chunk.tokens
      return chunk.run
    }
    read = 0
    return steps.shift()?.run
  }

  async function serve(): Promise<void> {
    if (isRunning) return
    isRunning = true
    while (steps.length + chunks.length > 0) {
      await nextTurn()
      await next()?.()
    }
    isRunning = false
  }

  return (task, turn = 'step') =>
    new Promise((resolve, reject) => {
      const run = () => task().then(resolve, reject)
      if (typeof turn === 'object') chunks.push({ run, tokens: Math.max(LEAST_TOKENS, turn.tokens) })
      else steps.push({ run, isFirst: turn === 'first step' })
      void serve()
    })
}
