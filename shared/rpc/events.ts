/** What the engine tells every window, unasked. Events carry what changed, never the new data: views read that again. */
import { z } from 'zod'

export const events = {
  'library.changed': z.strictObject({ packetIds: z.array(z.string()) }),
  /** Turns, names, drafts or answers under way of these conversations; those that were deleted or came back, too. */
  'conversations.changed': z.strictObject({ ids: z.array(z.string()) }),
  'models.changed': z.strictObject({}),
  'receipts.appended': z.strictObject({ receiptId: z.string(), op: z.string() }),
  'savings.changed': z.strictObject({}),
  /** Something moved between tiers of memory, was used or pinned; at most once a second. */
  'memory.changed': z.strictObject({}),
  /** The HTTP API was started, stopped or asked; at most twice a second. */
  'server.changed': z.strictObject({}),
  /** A job was added, began, went on, ended, or was dismissed; at most five times a second. */
  'jobs.changed': z.strictObject({}),
  'settings.changed': z.strictObject({}),
  /** The engine process as its parent sees it. */
  'engine.status': z.strictObject({
    state: z.enum(['starting', 'ready', 'restarting', 'failed']),
    reason: z.string().optional(),
  }),
} as const

export type EventName = keyof typeof events
export type EventData<N extends EventName> = z.infer<(typeof events)[N]>
