/** How calls travel: in process, between processes, over HTTP. Every transport serialises, also the in-process one. */
import type { EventName } from './events.ts'
import type { Progress } from './progress.ts'
import type { Result } from './result.ts'

/** Items of a stream, from wherever they come. */
export type Items<T> = AsyncIterable<T> | Iterable<T>

export interface TransportOptions {
  readonly signal?: AbortSignal
  /** Reports may be left out when they come faster than they are read. */
  readonly onProgress?: (progress: Progress) => void
  /**
   * Every item that the engine sends, in order and one at a time: the next one waits for what this returns. What it throws ends
   * the call. The result comes after the last item.
   */
  readonly onItem?: (item: unknown) => unknown
  /** Read as fast as the engine takes it. When it throws, the call is cancelled and fails with that error. */
  readonly upload?: Items<unknown>
}

export interface Transport {
  call(method: string, input: unknown, options: TransportOptions): Promise<Result<unknown>>
  /** Hands every event to `listener` until the returned function is called. */
  subscribe(listener: (name: EventName, data: unknown) => void): () => void
}
