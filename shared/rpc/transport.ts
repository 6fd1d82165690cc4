/** How calls travel: in process, between processes, over HTTP. Every transport serialises, also the in-process one. */
import type { EventName } from './events.ts'
import type { Progress } from './progress.ts'
import type { Result } from './result.ts'

export interface Transport {
  call(
    method: string,
    input: unknown,
    options: { readonly signal?: AbortSignal; readonly onProgress?: (progress: Progress) => void },
  ): Promise<Result<unknown>>
  /** Hands every event to `listener` until the returned function is called. */
  subscribe(listener: (name: EventName, data: unknown) => void): () => void
}
