import { type Digest, hexOf, isDigest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { PacketContext } from './context.ts'
import type { OpenedState } from './openState.ts'

/**
 * What a reference names: a name, a packet_id or a context_id (with or without `sha256:`), or the SHA-256 of the text a
 * cartridge was made from (State Pack's base hash). Throws `E_NOT_FOUND`, or `E_AMBIGUOUS` for a base hash of several.
 */
export async function resolveRef(
  { store, memory }: Pick<PacketContext, 'store' | 'memory'>,
  ref: string,
): Promise<{ packetId: Digest } | { state: OpenedState }> {
  const named = store.library.packets.named(ref)
  if (named !== null) return { packetId: named }
  const digest = /^[0-9a-f]{64}$/.test(ref) ? `sha256:${ref}` : ref
  if (!isDigest(digest)) throw notFound(ref)
  const row = store.library.packets.get(digest)
  if (row !== null && row.removedAt === null) return { packetId: digest }
  for (const dtype of ['float32', 'float16', 'int8', 'float8_e4m3']) {
    const packet = store.library.packets.ofContext(digest, dtype)
    if (packet !== null) return { packetId: packet.packetId }
  }
  const state = memory.get(digest)
  if (state !== undefined) return { state }
  // The index knows the digests of every source text (describePacket).
  const { items } = await store.list({ query: hexOf(digest), limit: 20 })
  // What was merged or answered from it holds the text too; the text's own cartridge is the one meant.
  const roots = items.filter(item => item.parents === 0)
  const candidates = roots.length > 0 ? roots : items
  const [only, ...others] = candidates
  if (only === undefined) throw notFound(ref)
  if (others.length > 0) {
    throw new StatePackError(
      'E_AMBIGUOUS',
      `${candidates.length} cartridges were made from this text: name one of them.`,
      { packets: candidates.map(item => item.packetId).join(',') },
    )
  }
  return { packetId: only.packetId }
}

/** A stored packet's id; a state held only in memory is refused with `E_NOT_FOUND`. */
export async function resolvePacketId(context: Pick<PacketContext, 'store' | 'memory'>, ref: string): Promise<Digest> {
  const found = await resolveRef(context, ref)
  if ('packetId' in found) return found.packetId
  throw new StatePackError('E_NOT_FOUND', 'This state is only in memory: it was never stored.', { ref })
}

function notFound(ref: string): StatePackError {
  return new StatePackError('E_NOT_FOUND', `There is no cartridge "${ref}" in this library.`, { ref })
}
