import { Worker } from 'node:worker_threads'
import type { HashedFile, HashRequest } from './hashFile.ts'

export type HashAnswer =
  | { readonly file: HashedFile }
  | { readonly error: { readonly message: string; readonly code: string | undefined } }

/** What it is reading and what it reads next: so it never waits for the attention of the thread that asks. */
const AT_ONCE = 2
/** It holds no objects to speak of; the bytes of files are not counted here. */
const LIMITS = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32 }
/** The worker beside this module: its source when run as it is, its built file in the build. */
const WORKER = new URL(`./hashWorker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

/** A thread that hashes, and reads what it hashes where that is a file. It keeps no process alive that waits for nothing from it. */
export class HashThread {
  readonly #worker = new Worker(WORKER, { resourceLimits: LIMITS })
  /** In the order of their answers; null: it has ended. */
  readonly #waiting: ((answer: HashAnswer | null) => void)[] = []
  #isReady = false

  /** `onFree`: it takes another file. `onEnd`: it has died. */
  constructor(on: { readonly onFree: () => void; readonly onEnd: () => void }) {
    this.#worker.on('message', (message: HashAnswer | 'ready') => {
      if (message === 'ready') this.#isReady = true
      else this.#waiting.shift()?.(message)
      on.onFree()
      if (this.#waiting.length === 0) this.#worker.unref()
    })
    // Its end says so, too.
    this.#worker.on('error', () => {})
    this.#worker.on('exit', () => {
      this.#isReady = false
      for (const answer of this.#waiting.splice(0)) answer(null)
      on.onEnd()
    })
  }

  get isFree(): boolean {
    return this.#isReady && this.#waiting.length < AT_ONCE
  }

  /** Bytes at hand move there and come back. null: the thread ended before, and they with it. Throws Node's system errors. */
  async hash(request: HashRequest): Promise<HashedFile | null> {
    const { promise, resolve } = Promise.withResolvers<HashAnswer | null>()
    this.#waiting.push(resolve)
    this.#worker.ref()
    this.#worker.postMessage(request, 'bytes' in request ? [request.bytes.buffer] : [])
    const answer = await promise
    if (answer === null || 'file' in answer) return answer?.file ?? null
    const { message, code } = answer.error
    throw Object.assign(new Error(message), { code })
  }
}
