import type { Recipe } from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { blobsOf } from '#shared/domain/oci.ts'
import type { Model } from '../models/model.ts'
import { sha256 } from '../sha256.ts'
import { inParallel } from '../store/inParallel.ts'
import { assertAllowed } from './assertAllowed.ts'
import { composeText, readingOf, type SourceText } from './composeText.ts'
import type { Call, PacketContext } from './context.ts'
import { contextId, tokensDigest } from './contextId.ts'
import { type Created, createPacket } from './createPacket.ts'
import { assertFits, loadModelFor } from './openState.ts'
import { type Packet, readDocuments, readPacket } from './packet.ts'
import { plainText } from './plainText.ts'
import { resolvePacketId } from './resolveRef.ts'

export interface Compacted {
  readonly created: Created
  readonly stepsFolded: number
  /** Bytes of ancestors that nothing else in the library names: gc may take them now. */
  readonly bytesFreed: number
  readonly dropped: readonly string[]
}

/**
 * Folds a chain of merges into one cartridge, read again in one exact pass. Without `dropSteps` it is the same context in one
 * piece, and its unnamed ancestors are released. With `dropSteps` (places in the list of texts) those texts are left out: a
 * new context, and what was left out is said. Refused (`E_NOT_SUPPORTED`): what {@link cannotFold} names.
 */
export async function compactPacket(
  context: PacketContext,
  { ref, dropSteps, name }: { ref: string; dropSteps: readonly number[]; name?: string | undefined },
  call: Call = {},
): Promise<Compacted> {
  const packetId = await resolvePacketId(context, ref)
  assertAllowed(context, packetId, 'run')
  const packet = await readPacket(context.blobs, packetId)
  const { sources, recipe } = await readDocuments(context.blobs, packet)
  const why = cannotFold(packet, sources)
  if (why !== null) throw new StatePackError('E_NOT_SUPPORTED', why, { packetId })
  const unknown = dropSteps.find(step => step >= sources.length)
  if (unknown !== undefined)
    throw new StatePackError('E_BAD_INPUT', `There is no step ${unknown}: the chain has ${sources.length}.`, {
      step: unknown,
    })
  const kept = sources.filter((_, index) => !dropSteps.includes(index))
  const text = plainText(null, kept)
  const loaded = await loadModelFor(context, packet, call)
  await assertFits(context, packet, loaded)
  if (dropSteps.length === 0) assertSameContext(packet, { model: loaded.model, text, recipe })
  const ancestors = await ancestorsOf(context, packet)
  const created = await createPacket(
    context,
    {
      model: loaded.entry.id,
      sources: [{ name: sources[0]?.name ?? 'text', text }],
      ...readingOf(recipe),
      dtype: packet.config.cache.dtype,
      name,
      parents: [{ packetId: packet.packetId, op: 'compact', deltaDigest: null }],
      op: 'compact',
      again: dropSteps.length === 0,
    },
    call,
  )
  const released = dropSteps.length === 0 ? ancestors.filter(id => id !== created.packetId) : []
  const bytesFreed = await sizeOf(context, released)
  if (released.length > 0) context.store.library.packets.remove(released, Date.now())
  return {
    created,
    stepsFolded: sources.length,
    bytesFreed,
    dropped: sources.filter((_, index) => dropSteps.includes(index)).map(source => source.name),
  }
}

/** Why the chain of a state cannot be read again from its texts; null when it can. */
export function cannotFold(
  { config }: Packet,
  sources: readonly (SourceText & { readonly turn: boolean })[],
): string | null {
  if (config.origin.kind !== 'tokens' || sources.length === 0)
    return 'This state was not read from texts, so there is no chain to fold.'
  if (sources.some(({ turn }) => turn)) return 'This state holds turns of a conversation, which are not texts to fold.'
  return config.segments.some(segment => segment.kind === 'generated')
    ? 'This state holds answers that the model wrote; they cannot be read again from texts.'
    : null
}

/** Before anything is read: a chat template or State Pack's own seam may give one piece other tokens than the chain had. */
function assertSameContext(
  { packetId, contextId: expected }: Packet,
  { model, text, recipe }: { model: Model; text: string; recipe: Recipe },
): void {
  const { tokens, tail } = composeText(model, {
    sources: [{ name: 'text', text }],
    ...readingOf(recipe),
  })
  const found = contextId({
    model: model.fingerprint,
    origin: { kind: 'tokens' },
    tokensDigest: tokensDigest(tokens),
    tailDigest: sha256(tail),
  })
  if (found === expected) return
  throw new StatePackError(
    'E_NOT_SUPPORTED',
    'Read again in one piece, these texts would give other tokens than the chain did, so it would be another context. Leave texts out to make a new one.',
    { packetId },
  )
}

/** Ancestors that nobody named, tagged or pinned: they were steps on the way. */
async function ancestorsOf({ store }: PacketContext, packet: Packet): Promise<Digest[]> {
  const asked = new Set(store.library.answers.packets())
  const found: Digest[] = []
  const seen = new Set<Digest>()
  const queue = packet.config.parents.map(parent => parent.packetId)
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    // Several ways may lead to one, and to all that it comes from.
    if (seen.has(id)) continue
    seen.add(id)
    const row = store.library.packets.get(id)
    if (row === null || row.removedAt !== null) continue
    if (store.library.packets.names.of(id).length === 0 && !row.pinned && !asked.has(id)) found.push(id)
    queue.push(...(await readPacket(store.blobs, id)).config.parents.map(parent => parent.packetId))
  }
  return found
}

/** Bytes of the blobs that these packets have and no other packet of the library. */
async function sizeOf({ store }: PacketContext, packetIds: readonly Digest[]): Promise<number> {
  if (packetIds.length === 0) return 0
  const released = new Set(packetIds)
  const standing = store.library.packets.all().filter(row => row.removedAt === null && !released.has(row.packetId))
  const blobs = async (packetId: Digest) => blobsOf(await store.readManifest(packetId))
  const freed = new Map<Digest, number>()
  for (const blob of (await inParallel(packetIds, 16, blobs)).flat()) freed.set(blob.digest, blob.size)
  // One that cannot be read keeps nothing that is known.
  const kept = await inParallel(standing, 16, ({ packetId }) => blobs(packetId).catch(() => []))
  for (const blob of kept.flat()) freed.delete(blob.digest)
  return [...freed.values()].reduce((sum, size) => sum + size, 0)
}
