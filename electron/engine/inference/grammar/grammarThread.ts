import { Worker } from 'node:worker_threads'
import { StatePackError } from '#shared/domain/error.ts'
import type { Constraint } from '../constraint.ts'
import type { FromGrammar, ToGrammar, Vocabulary } from './grammarWorker.ts'

/** The worker beside this module: its source when run as it is, its built file in the build. */
const WORKER = new URL(`./grammarWorker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
/** For one schema, or one token. */
const LIMIT_MS = 60_000

/** An answer on its way through a grammar. */
interface Led {
  readonly number: number
  readonly grammar: string
  readonly taken: number[]
  /** The thread that knows it as far as `taken`, but for its last token. */
  worker: Worker | null
}

interface Asked {
  readonly answer: Led
  readonly resolve: (mask: Int32Array | null) => void
  readonly reject: (error: unknown) => void
}

/**
 * Answers of one vocabulary, led through grammars by a thread. A schema that the thread dies of, or takes too long for, fails
 * the answer that it was for; the others are led on by another thread.
 */
export class GrammarThread {
  readonly #vocabulary: Vocabulary
  #worker: Worker | null = null
  /** What the thread has been asked and has not said, in order. */
  #asked: Asked[] = []
  #late: NodeJS.Timeout | undefined
  #count = 0

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary
  }

  /** Begins an answer that a grammar (EBNF) allows. Throws `E_NOT_SUPPORTED`, `E_TOO_LARGE`. */
  async lead(grammar: string): Promise<Constraint & Disposable> {
    const answer: Led = { number: this.#count++, grammar, taken: [], worker: null }
    let mask = await this.#next(answer)
    let coming = Promise.resolve()
    return {
      ready: () => coming,
      allowed: row => (mask === null ? null : masked(row, mask)),
      take: id => {
        answer.taken.push(id)
        coming = this.#next(answer).then(next => {
          mask = next
        })
        // Thrown by `ready`, if it is asked again.
        coming.catch(() => {})
      },
      [Symbol.dispose]: () => {
        if (answer.worker === this.#worker) this.#send({ do: 'close', answer: answer.number })
      },
    }
  }

  close(): void {
    void this.#worker?.terminate()
    this.#worker = null
    this.#fail(this.#asked.splice(0), new StatePackError('E_ENGINE_DOWN', 'The engine is closing.'))
    this.#watch()
  }

  #next(answer: Led): Promise<Int32Array | null> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ answer, resolve, reject })
      this.#ask(answer)
      if (this.#asked.length === 1) this.#watch()
    })
  }

  #ask(answer: Led): void {
    const worker = this.#worker ?? this.#start()
    this.#worker = worker
    const { number, grammar, taken } = answer
    const id = taken.at(-1)
    if (answer.worker === worker && id !== undefined) this.#send({ do: 'take', answer: number, id })
    else this.#send({ do: 'open', answer: number, grammar, taken })
    answer.worker = worker
  }

  #send(message: ToGrammar): void {
    this.#worker?.postMessage(message)
  }

  #start(): Worker {
    const worker = new Worker(WORKER, { workerData: this.#vocabulary, stdout: true, stderr: true })
    worker.unref()
    worker.on('message', (said: FromGrammar) => {
      const asked = this.#asked.shift()
      this.#watch()
      if ('mask' in said) asked?.resolve(said.mask)
      else asked?.reject(notSupported(said.refused))
    })
    let reason: unknown
    worker.on('error', error => {
      reason = error
    })
    worker.on('exit', () => {
      if (worker === this.#worker) this.#replace(notSupported('it takes more memory than there is for it', reason))
    })
    return worker
  }

  /** Gives up the answer that the thread is at, and leads the others on elsewhere. */
  #replace(error: StatePackError): void {
    const worker = this.#worker
    this.#worker = null
    void worker?.terminate()
    const [first, ...rest] = this.#asked.splice(0)
    this.#fail(first === undefined ? [] : [first], error)
    for (const asked of rest) {
      this.#asked.push(asked)
      this.#ask(asked.answer)
    }
    this.#watch()
  }

  #fail(asked: readonly Asked[], error: StatePackError): void {
    for (const { reject } of asked) reject(error)
  }

  /** The time of whoever is first begins now. */
  #watch(): void {
    clearTimeout(this.#late)
    // A process lives on for an answer, not for the thread.
    if (this.#asked.length === 0) this.#worker?.unref()
    else this.#worker?.ref()
    if (this.#asked.length === 0) return
    this.#late = setTimeout(() => {
      const message = 'This JSON schema takes too long to compile. Send a simpler one: fewer branches, smaller bounds.'
      this.#replace(new StatePackError('E_TOO_LARGE', message, { field: 'schema', limitMs: LIMIT_MS }))
    }, LIMIT_MS).unref()
  }
}

function masked(row: Float32Array, mask: Int32Array): Float32Array {
  const open = new Float32Array(row.length).fill(Number.NEGATIVE_INFINITY)
  for (let word = 0; word < mask.length; word++) {
    // One bit after the other, from the lowest: most words are empty.
    for (let bits = mask[word] ?? 0; bits !== 0; bits &= bits - 1) {
      const id = word * 32 + 31 - Math.clz32(bits & -bits)
      open[id] = row[id] ?? Number.NEGATIVE_INFINITY
    }
  }
  return open
}

function notSupported(why: string, cause?: unknown): StatePackError {
  const message = `This JSON schema cannot be followed: ${why}.`
  return new StatePackError('E_NOT_SUPPORTED', message, { field: 'schema' }, cause)
}
