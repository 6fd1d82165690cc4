import type { Items } from './transport.ts'

export interface Feeding {
  /** True when all of it was sent, false when it was stopped. Throws what the source throws. */
  run(): Promise<boolean>
  /** Lets go of the source, also when it never gives another item. */
  stop(): void
}

/** Sends the items of `upload` one after the other, each when `send` is done with the one before. */
export function feed(upload: Items<unknown>, send: (item: unknown) => Promise<unknown>): Feeding {
  const iterator = Symbol.asyncIterator in upload ? upload[Symbol.asyncIterator]() : upload[Symbol.iterator]()
  let stopped = false
  const letGo = () => {
    // A source that fails while it is let go of has nobody left to tell.
    void Promise.resolve(iterator.return?.()).catch(() => {})
  }
  return {
    async run() {
      for (;;) {
        const { done, value } = await iterator.next()
        if (stopped) return false
        if (done === true) return true
        try {
          await send(value)
        } catch (error) {
          letGo()
          if (stopped) return false
          throw error
        }
      }
    },
    stop() {
      if (stopped) return
      stopped = true
      letGo()
    },
  }
}
