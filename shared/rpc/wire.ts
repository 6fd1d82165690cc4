/** What travels in the frames of a streamed answer and of the event stream. */
import type { EventName } from './events.ts'
import type { Progress } from './progress.ts'
import type { Result } from './result.ts'

/** A call's stream: any number of `progress`, then exactly one `result`. */
export type CallFrame =
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'result'; readonly result: Result<unknown> }

/** The event stream: events as they happen, and `alive` now and then so that a dead connection is noticed. */
export type EventFrame =
  | { readonly kind: 'event'; readonly name: EventName; readonly data: unknown }
  | { readonly kind: 'alive' }
