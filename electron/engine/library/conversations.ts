import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { threadTo } from '#shared/domain/thread.ts'
import type { Input, Output } from '#shared/rpc/client.ts'
import type { ConversationView, ListedConversation } from '#shared/rpc/methods/conversations.ts'
import type { PacketContext } from '../packets/context.ts'
import type { CollectionRow } from '../store/library/collectionRows.ts'
import type { ConversationRow, Pending } from '../store/library/conversationRows.ts'
import type { NameRows } from '../store/library/nameRows.ts'
import { foldText } from '../store/search/foldText.ts'
import { conversationMarkdown } from './conversationMarkdown.ts'
import { turnView } from './turnView.ts'

const UNDO_MS = 24 * 60 * 60 * 1000
const NAME_LENGTH = 80

/** What works on conversations is given besides the packets. */
export interface Conversing extends PacketContext {
  /** Tells windows that these conversations are different now. */
  readonly conversed: (ids: readonly string[]) => void
  /**
   * Says that a question of a conversation is being answered. Until the returned function is called with true it stands there as
   * one that has no answer.
   */
  readonly answering: (id: string, question: Pending) => (isAnswered: boolean) => void
}

export function listConversations(
  { store }: PacketContext,
  { query, ...window }: { query: string; slots?: readonly Digest[] | undefined; offset: number; limit: number },
): Output<'conversations.list'> {
  const words = (query.match(/[\p{L}\p{N}\p{M}]+/gu) ?? []).slice(0, 16).map(foldText)
  const { items, total } = store.library.conversations.list({ words, ...window })
  const { names } = store.library.packets
  const collections = new Map(store.library.collections.list().map(row => [row.packetIds.join(), row]))
  return {
    total,
    items: items.map(
      ({ turns, firstQuestion, found, ...row }): ListedConversation => ({
        ...fieldsOf(row, firstQuestion),
        ...{ turns, found, ...inSlots(row.slots, { names, collections }) },
      }),
    ),
  }
}

/** One that was not begun is empty. Throws `E_NOT_FOUND` for one that was deleted. */
export function readConversationView(
  { store }: PacketContext,
  id: string,
  isAnswering: (id: string) => boolean,
): ConversationView {
  const row = store.library.conversations.find(id) ?? unbegun(id)
  const turns = store.library.turns.of(id).flatMap(turn => turnView(store, turn) ?? [])
  const { system, headId, draftRevision, pending } = row
  const named = [...row.slots, ...turns.flatMap(({ rootPacketId }) => rootPacketId ?? [])].flatMap(packetId => {
    const [name] = store.library.packets.names.of(packetId)
    return name === undefined ? [] : [[packetId, name] as const]
  })
  return {
    ...fieldsOf(row, turns[0]?.question ?? null),
    ...{ system, headId, draftRevision, turns, names: Object.fromEntries(named) },
    pending: pending === null ? null : { ...pending, answering: isAnswering(id) },
  }
}

/** Throws `E_NOT_FOUND` for a conversation that was deleted or a turn that is not its own, `E_CONFLICT` for a late system prompt. */
export function saveConversation(
  { store, conversed }: Conversing,
  { id, head, ...change }: Input<'conversations.save'>,
): Output<'conversations.save'> {
  const { conversations, turns } = store.library
  const all = head === undefined && change.system === undefined ? [] : turns.of(id)
  if (change.system !== undefined && all.some(turn => turn.rootPacketId === null))
    throw new StatePackError(
      'E_CONFLICT',
      'The system prompt stands at the beginning of what the model has read: begin a new conversation to change it.',
    )
  if (head !== undefined && head.id !== null && !all.some(turn => turn.id === head.id))
    throw new StatePackError('E_NOT_FOUND', 'This turn is not in the conversation.', { turn: head.id })
  let headId = head?.id
  // Answers beside one stand where it does.
  headId = all.find(turn => turn.id === headId)?.besideId ?? headId
  // The newest turn below, and below that.
  for (let at = headId; head?.newest === true && at != null; ) {
    headId = at
    at = all.findLast(turn => turn.previousId === at && turn.besideId === null)?.id
  }
  const { draftRevision } = conversations.save(id, { ...change, headId }, Date.now())
  conversed([id])
  return { draftRevision }
}

/** Deletes conversations and the states that only they led to, so that a restoring brings them back. */
export async function deleteConversations(
  { store, changed, conversed }: Conversing,
  ids: readonly string[],
): Promise<{ deleted: number }> {
  const { library, index } = store
  const now = Date.now()
  const { removed, packets } = await store.freeing(() => library.conversations.remove(ids, now))
  library.packets.remove(packets, now)
  // What they have read stands in the index, too.
  index.drop(packets)
  purgeConversations(store, now)
  store.touchIndexFile()
  conversed(ids)
  if (packets.length > 0) changed(packets)
  return { deleted: removed }
}

export function restoreConversations(
  { store, changed, conversed }: Conversing,
  ids: readonly string[],
): { restored: number } {
  const { restored, packets } = store.library.conversations.restore(ids)
  for (const packetId of packets) {
    const row = store.library.packets.get(packetId)
    // Its context may have been stored again under another packet meanwhile: then that turn is read again when it is asked for.
    if (row !== null && store.library.packets.ofContext(row.contextId, row.dtype) === null)
      store.library.packets.restore([packetId])
  }
  store.touchIndexFile()
  conversed(ids)
  if (packets.length > 0) changed(packets)
  return { restored }
}

/** Forgets for good what was deleted a day ago. */
export function purgeConversations({ library }: Pick<PacketContext['store'], 'library'>, now: number): number {
  const purged = library.conversations.purge(now - UNDO_MS)
  library.scrub()
  return purged
}

/** Throws `E_NOT_FOUND`. */
export function exportConversation(context: PacketContext, id: string): Output<'conversations.export'> {
  const view = readConversationView(context, id, () => false)
  const { names } = context.store.library.packets
  const markdown = conversationMarkdown(view, {
    turns: threadTo(view.turns, view.headId).flatMap(turn => [
      turn,
      ...view.turns.filter(({ besideId }) => besideId === turn.id),
    ]),
    nameOf: packetId => names.of(packetId)[0] ?? null,
  })
  return { fileName: `${fileSafe(view.name)}.md`, markdown }
}

function unbegun(id: string): ConversationRow {
  const now = Date.now()
  return {
    ...{ id, name: null, slots: [], asking: null, model: null, system: '', headId: null, draft: '', draftRevision: 0 },
    ...{ pending: null, createdAt: now, updatedAt: now },
  }
}

/** What is in the slots, in a word: a collection, or the first cartridge and how many others. */
function inSlots(
  slots: readonly Digest[],
  { names, collections }: { names: Pick<NameRows, 'of'>; collections: ReadonlyMap<string, CollectionRow> },
): Pick<ListedConversation, 'cartridge' | 'others'> {
  const collection = collections.get(slots.join())
  if (collection !== undefined) return { cartridge: collection.name, others: 0 }
  const [first] = slots
  return {
    cartridge: first === undefined ? null : (names.of(first)[0] ?? null),
    others: Math.max(0, slots.length - 1),
  }
}

function fieldsOf(row: ConversationRow, firstQuestion: string | null) {
  const { id, slots, asking, model, draft, createdAt, updatedAt } = row
  const called = row.name ?? firstQuestion ?? row.pending?.question ?? draft
  return {
    ...{ id, slots: [...slots], asking, model, draft },
    name: short(called) || 'New conversation',
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
  }
}

/** One line of a text, cut between its characters. */
function short(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  const characters = [...line]
  return characters.length <= NAME_LENGTH
    ? line
    : `${characters
        .slice(0, NAME_LENGTH - 1)
        .join('')
        .trimEnd()}…`
}

function fileSafe(name: string): string {
  return (
    name
      .replace(/[\p{Cc}<>:"/\\|?*]+/gu, ' ')
      .replace(/\s+/g, ' ')
      .replace(/^[.\s]+|[.\s]+$/g, '') || 'conversation'
  )
}
