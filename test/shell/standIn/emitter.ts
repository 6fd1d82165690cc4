/** An event emitter that knows which events it will ever emit: listening to another one is an error in the caller. */
import { EventEmitter } from 'node:events'

export class StrictEmitter {
  readonly #name: string
  readonly #events: ReadonlySet<string>
  readonly #emitter = new EventEmitter()

  constructor(name: string, events: readonly string[]) {
    this.#name = name
    this.#events = new Set(events)
  }

  #check(event: string): void {
    if (!this.#events.has(event)) throw new Error(`The stand-in for electron never emits ${this.#name} '${event}'`)
  }

  on(event: string, listener: (...args: never[]) => void): this {
    this.#check(event)
    this.#emitter.on(event, listener as (...args: unknown[]) => void)
    return this
  }

  once(event: string, listener: (...args: never[]) => void): this {
    this.#check(event)
    this.#emitter.once(event, listener as (...args: unknown[]) => void)
    return this
  }

  tell(event: string, ...args: unknown[]): boolean {
    this.#check(event)
    return this.#emitter.emit(event, ...args)
  }
}

/** An event that can be prevented, as Electron hands them out. */
export function preventable<T extends object>(
  more: T,
): T & { preventDefault(): void; readonly defaultPrevented: boolean } {
  let prevented = false
  return {
    ...more,
    preventDefault() {
      prevented = true
    },
    get defaultPrevented() {
      return prevented
    },
  }
}
