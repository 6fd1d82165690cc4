import { countWords, type MergeChain } from '#shared/domain/compaction.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { cannotFold } from './compactPacket.ts'
import type { PacketContext } from './context.ts'
import { type Packet, readDocuments, readPacket } from './packet.ts'

/**
 * The merges a state went through since it was last read in one piece: back to where it was created, folded, or to a base
 * that is not in the library any more. Null when it cannot be folded at all.
 */
export async function mergeChain(context: PacketContext, packetId: Digest): Promise<MergeChain | null> {
  const packet = await readPacket(context.blobs, packetId)
  const { sources } = await readDocuments(context.blobs, packet)
  if (cannotFold(packet, sources) !== null) return null
  const wordsOf = new Map(sources.map(({ digest, text }) => [digest as Digest, countWords(text)]))
  let steps = 0
  let deltaWords = 0
  let base = packet
  for (;;) {
    const [parent] = base.config.parents
    if (parent?.op !== 'merge' || (await wasFolded(context, base.packetId))) break
    const next = await standing(context, parent.packetId)
    if (next === null) break
    steps += 1
    deltaWords += parent.deltaDigest === null ? 0 : (wordsOf.get(parent.deltaDigest) ?? 0)
    base = next
  }
  const words = sources.reduce((sum, { text }) => sum + countWords(text), 0)
  return {
    steps,
    baseWords: Math.max(0, words - deltaWords),
    deltaWords,
    baseTokens: base.config.tokens.count,
    deltaTokens: packet.config.tokens.count - base.config.tokens.count,
  }
}

/** The base of a merge while it is in the library; a fold releases those that nobody named. */
async function standing({ store }: PacketContext, packetId: Digest): Promise<Packet | null> {
  const row = store.library.packets.get(packetId)
  if (row === null || row.removedAt !== null) return null
  try {
    return await readPacket(store.blobs, packetId)
  } catch (error) {
    if (error instanceof StatePackError && error.code === 'E_NOT_FOUND') return null
    throw error
  }
}

/** A fold of the same context keeps the packet: its receipt tells. */
async function wasFolded({ receipts }: PacketContext, packetId: Digest): Promise<boolean> {
  const { receipts: found } = await receipts.list({ about: packetId, ops: ['compact'], ok: true, limit: 20 })
  return found.some(receipt => receipt.packet_id === packetId)
}
