/** What travels: in messages between processes, and in the frames of a streamed answer and of the event stream. */
import type { EventName } from './events.ts'
import type { Progress } from './progress.ts'
import type { Result } from './result.ts'

/** What its caller wants to hear of a call that runs; nothing else of it is sent. */
export interface Hears {
  readonly progress: boolean
  readonly items: boolean
}

/** From the caller, about a call of its that runs. */
export type CallerMessage =
  | { readonly kind: 'cancel'; readonly id: number }
  /** The next item of its upload, then `end`. */
  | { readonly kind: 'item'; readonly id: number; readonly item: unknown }
  | { readonly kind: 'end'; readonly id: number }
  /** It is done with one more of the items that were sent to it. */
  | { readonly kind: 'taken'; readonly id: number }

/** To the caller, while its call runs. */
export type CalleeMessage =
  | { readonly kind: 'progress'; readonly id: number; readonly progress: Progress }
  | { readonly kind: 'item'; readonly id: number; readonly item: unknown }
  /** One more item of the upload was taken. */
  | { readonly kind: 'taken'; readonly id: number }

/** A result, and how many items were sent before it: it may overtake them. */
export type Answer = Result<unknown> & { readonly items: number }

/** Now and then in a stream that may be silent for long: so each side notices a dead connection, and takes none for one. */
interface AliveFrame {
  readonly kind: 'alive'
}

/** A call's stream: any number of `progress`, `item` and `alive`, then exactly one `result`. */
export type CallFrame =
  | AliveFrame
  /** First where an upload belongs to the call: its items may come now. */
  | { readonly kind: 'open' }
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'item'; readonly item: unknown }
  | { readonly kind: 'result'; readonly result: Result<unknown> }

/** One request of an upload. */
export type UploadFrame = { readonly item: unknown } | { readonly end: true }

/** The event stream: events as they happen. */
export type EventFrame = AliveFrame | { readonly kind: 'event'; readonly name: EventName; readonly data: unknown }
