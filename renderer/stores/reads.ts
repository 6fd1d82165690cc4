/** What the window reads, and what makes it stale: the one place that says so. */
import type { MethodName } from '#shared/rpc/contract.ts'
import type { EventName } from '#shared/rpc/events.ts'

/** An engine that has just become ready makes everything stale; how it stood before is said by the event itself. */
type ChangeEvent = Exclude<EventName, 'engine.status'>

const OF_CARTRIDGES = [
  ...['library.list', 'library.get', 'library.lineage', 'library.suggest', 'collections.list', 'collections.get'],
  ...['packets.inspect', 'packets.exportReview', 'packets.resolve'],
] as const

/** The reads that are to be made again when an event comes, in whichever window or program it was caused. */
const STALE_BY = {
  'library.changed': [
    ...OF_CARTRIDGES,
    // Names of cartridges, whether they are here, and whose signatures count since one was trusted.
    ...['conversations.list', 'conversations.get', 'receipts.list', 'receipts.get', 'jobs.get'],
    ...['memory.status', 'share.browse', 'keys.status', 'engine.status', 'savings.summary'],
  ],
  // A model that comes or goes changes which cartridges can be asked; adding one writes its folder into the settings.
  'models.changed': [
    ...OF_CARTRIDGES,
    ...['models.list', 'models.catalogue', 'models.unfinished', 'packets.count', 'packets.estimate'],
    ...['memory.status', 'share.browse', 'settings.get', 'engine.status'],
  ],
  'settings.changed': [
    ...['settings.get', 'engine.status', 'models.list', 'models.catalogue', 'memory.status', 'packets.estimate'],
    // Whose signatures count.
    'library.get',
    ...['keys.status', 'savings.prices', 'savings.providerKey', 'share.catalogues', 'share.browse'],
  ],
  'conversations.changed': ['conversations.list', 'conversations.get', 'library.lineage'],
  'receipts.appended': ['receipts.list', 'library.get', 'engine.status'],
  'savings.changed': ['savings.summary', 'savings.series'],
  'memory.changed': ['memory.status'],
  'server.changed': ['server.status'],
  'jobs.changed': ['jobs.status', 'jobs.list', 'jobs.get', 'models.unfinished'],
} as const satisfies Record<ChangeEvent, readonly MethodName[]>

/** Of what has a digest for its name: the same for ever. */
const FIXED = [
  ...['packets.heatmap', 'packets.tensor', 'packets.compare', 'remix.preview', 'receipts.trace'],
] as const satisfies readonly MethodName[]

/** A method that a view may read. One that is not entered above is none: when it is, what makes it stale is said. */
export type ReadMethod = (typeof STALE_BY)[ChangeEvent][number] | (typeof FIXED)[number]

export function staleBy(event: ChangeEvent): readonly ReadMethod[] {
  return STALE_BY[event]
}

export const CHANGE_EVENTS = Object.keys(STALE_BY) as readonly ChangeEvent[]

const fixed: ReadonlySet<unknown> = new Set(FIXED)
export function isFixed(method: unknown): boolean {
  return fixed.has(method)
}
