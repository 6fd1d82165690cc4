import type { ProcessLock } from '../processLock.ts'

/** What became of one of a group. `again`: it can only be told once those before it are through; it comes first next time. */
export type Outcome<R> = { readonly done: R } | { readonly failed: unknown } | 'again'

interface Waiting<T, R> {
  readonly item: T
  readonly resolve: (result: R) => void
  readonly reject: (error: unknown) => void
}

/** More at once would keep the first of them, and whoever else wants the lock, waiting for the last. */
const MOST = 64

/**
 * The way through a lock for many: who comes while the lock is waited for, or others are inside, goes in together with all who came
 * meanwhile, so that they share what costs as much for all as for one (a flush). Who comes alone waits for nobody.
 */
export class Entrance<T, R> {
  readonly #lock: Pick<ProcessLock, 'exclusive'>
  readonly #work: (items: readonly T[]) => Promise<readonly Outcome<R>[]>
  readonly #waiting: Waiting<T, R>[] = []
  #isServing = false

  /** `work` is run under the lock with a group in the order they came; it says of each what became of it, and may fail for all. */
  constructor(lock: Pick<ProcessLock, 'exclusive'>, work: (items: readonly T[]) => Promise<readonly Outcome<R>[]>) {
    this.#lock = lock
    this.#work = work
  }

  /** Throws what the work says of this item, what it throws, and what getting the lock throws. */
  enter(item: T): Promise<R> {
    const { promise, resolve, reject } = Promise.withResolvers<R>()
    this.#waiting.push({ item, resolve, reject })
    if (!this.#isServing) void this.#serve()
    return promise
  }

  async #serve(): Promise<void> {
    this.#isServing = true
    while (this.#waiting.length > 0) {
      // Those whose turn it was if the lock cannot be had; who came later has a patience of its own.
      const first = this.#waiting.length
      let group: Waiting<T, R>[] | null = null
      try {
        await this.#lock.exclusive(async () => {
          group = this.#waiting.splice(0, MOST)
          await this.#through(group)
        })
      } catch (error) {
        for (const { reject } of group ?? this.#waiting.splice(0, Math.min(first, MOST))) reject(error)
      }
    }
    this.#isServing = false
  }

  async #through(group: readonly Waiting<T, R>[]): Promise<void> {
    const outcomes = await this.#work(group.map(({ item }) => item))
    const again: Waiting<T, R>[] = []
    for (const [index, waiting] of group.entries()) {
      const outcome = outcomes[index]
      if (outcome === 'again') again.push(waiting)
      else if (outcome !== undefined && 'done' in outcome) waiting.resolve(outcome.done)
      else waiting.reject(outcome?.failed ?? new Error('nothing was said of it'))
    }
    this.#waiting.unshift(...again)
  }
}
