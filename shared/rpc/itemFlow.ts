/**
 * The two ends of a stream of items over messages. What was posted and is not yet taken is held to {@link WINDOW} bytes: a
 * sender that waits for `send` is never faster than its reader, and nothing is dropped.
 */
import { StatePackError } from '../domain/error.ts'

/** An item that is no bytes counts as one kibibyte. */
const WINDOW = 2 ** 20
const weigh = (item: unknown) => (item instanceof Uint8Array ? item.byteLength : 1024)

export interface ItemSender {
  /** How many items were posted. */
  readonly sent: number
  /** Posts at once; resolves when there is room for the next item. Throws when the stream is closed. */
  send(item: unknown): Promise<void>
  /** The reader is done with the oldest one. */
  taken(): void
  close(): void
}

export function createItemSender(post: (item: unknown) => void): ItemSender {
  const onTheWay: number[] = []
  let bytes = 0
  let sent = 0
  let isClosed = false
  let room: PromiseWithResolvers<void> | null = null
  const closed = () => new StatePackError('E_CANCELLED', 'Nobody reads this stream any more.')
  return {
    get sent() {
      return sent
    },
    async send(item) {
      if (isClosed) throw closed()
      onTheWay.push(weigh(item))
      bytes += weigh(item)
      sent += 1
      post(item)
      while (bytes >= WINDOW) {
        room ??= Promise.withResolvers()
        await room.promise
      }
    },
    taken() {
      bytes -= onTheWay.shift() ?? 0
      if (bytes >= WINDOW) return
      room?.resolve()
      room = null
    },
    close() {
      isClosed = true
      room?.reject(closed())
      room = null
    },
  }
}

export interface ItemReader {
  push(item: unknown): void
  /** Once every item that was pushed has been read. */
  drained(): Promise<void>
  stop(): void
}

/** Hands items to `read` one after the other. The first that it throws goes to `failed`, and nothing more to `read`. */
export function createItemReader(options: {
  readonly read: (item: unknown) => unknown
  readonly taken: () => void
  readonly failed: (error: unknown) => void
}): ItemReader {
  let last = Promise.resolve()
  let stopped = false
  async function next(item: unknown): Promise<void> {
    if (stopped) return
    try {
      await options.read(item)
      options.taken()
    } catch (error) {
      stopped = true
      options.failed(error)
    }
  }
  return {
    push(item) {
      last = last.then(() => next(item))
    },
    drained: () => last,
    stop() {
      stopped = true
    },
  }
}

export interface ItemInbox extends AsyncIterable<unknown> {
  push(item: unknown): void
  end(): void
}

/** Items that come in by messages, to be iterated once; `taken` is called for each as it is handed on. */
export function createItemInbox(taken: () => void): ItemInbox {
  const items: unknown[] = []
  let state: 'open' | 'ended' | 'left' = 'open'
  let arrival: PromiseWithResolvers<void> | null = null
  const wake = () => {
    arrival?.resolve()
    arrival = null
  }
  return {
    push(item) {
      if (state !== 'open') return
      items.push(item)
      wake()
    },
    end() {
      if (state === 'open') state = 'ended'
      wake()
    },
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          if (items.length > 0) {
            const item = items.shift()
            taken()
            yield item
          } else if (state === 'open') {
            arrival ??= Promise.withResolvers()
            await arrival.promise
          } else return
        }
      } finally {
        state = 'left'
        items.length = 0
      }
    },
  }
}
