import { AsyncLocalStorage } from 'node:async_hooks'
import type { Runtime } from '../inference/runtime.ts'

/** One operation, and the runtimes it uses. */
interface Operation {
  readonly name: string
  readonly runtimes: Set<Runtime>
  readonly releases: (() => void)[]
  isOver: boolean
}

/**
 * Who uses a runtime. An operation holds every runtime that it was given until it is over, so none is freed under it: the
 * operation is whatever runs inside {@link RuntimeLeases.during}, across its awaits. Nobody has to give a lease back, so
 * nobody can forget to.
 */
export class RuntimeLeases {
  readonly #current = new AsyncLocalStorage<Operation>()
  readonly #holders = new Map<Runtime, Set<Operation>>()
  /** Called whenever an operation has ended. */
  readonly #waiting = new Set<() => void>()

  /** Runs an operation; what it takes is its own until the promise settles. Within another operation it is part of that. */
  async during<T>(name: string, task: () => Promise<T> | T): Promise<T> {
    if (this.#current.getStore() !== undefined) return task()
    const operation: Operation = { name, runtimes: new Set(), releases: [], isOver: false }
    try {
      return await this.#current.run(operation, task)
    } finally {
      operation.isOver = true
      for (const release of operation.releases) release()
      for (const runtime of operation.runtimes) this.#release(runtime, operation)
      for (const wake of [...this.#waiting]) wake()
    }
  }

  /** An operation of its own, also where another one sets it off: it goes on when that is over. */
  apart<T>(name: string, task: () => Promise<T> | T): Promise<T> {
    return this.#current.exit(() => this.during(name, task))
  }

  /** The running operation uses this runtime. Outside of any, and by what an operation left running, nothing is held. */
  take(runtime: Runtime): void {
    const operation = this.#current.getStore()
    if (operation === undefined || operation.isOver) return
    operation.runtimes.add(runtime)
    const holders = this.#holders.get(runtime) ?? new Set()
    this.#holders.set(runtime, holders)
    holders.add(operation)
  }

  /** Has something done when the running operation is over; false outside of any, and for what one left running. */
  readonly whenOver = (release: () => void): boolean => {
    const operation = this.#current.getStore()
    if (operation === undefined || operation.isOver) return false
    operation.releases.push(release)
    return true
  }

  /** Names of the operations that use a runtime. */
  holders(runtime: Runtime): string[] {
    return [...(this.#holders.get(runtime) ?? [])].map(({ name }) => name)
  }

  /** Frees a runtime that nobody can be given any more, as soon as no other operation uses it. */
  async free(runtime: Runtime): Promise<void> {
    const own = this.#current.getStore()
    const others = () => [...(this.#holders.get(runtime) ?? [])].some(operation => operation !== own)
    while (others()) {
      await new Promise<void>(wake => {
        const once = () => {
          this.#waiting.delete(once)
          wake()
        }
        this.#waiting.add(once)
      })
    }
    await runtime.dispose()
  }

  #release(runtime: Runtime, operation: Operation): void {
    const holders = this.#holders.get(runtime)
    holders?.delete(operation)
    if (holders?.size === 0) this.#holders.delete(runtime)
  }
}
