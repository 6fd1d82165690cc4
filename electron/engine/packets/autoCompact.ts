import { type CompactionPolicy, shouldCompact } from '#shared/domain/compaction.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { type Compacted, compactPacket } from './compactPacket.ts'
import type { Call, PacketContext } from './context.ts'
import { mergeChain } from './mergeChain.ts'

/**
 * Folds the chain a merge ended in when the policy wants it; its receipt follows the merge's. Null: left as it is, because
 * the policy does not want it, the chain cannot be folded, or it was cancelled, which leaves the merge as it was.
 */
export async function autoCompact(
  context: PacketContext,
  { packetId, policy }: { packetId: Digest; policy: CompactionPolicy },
  call: Call = {},
): Promise<Compacted | null> {
  if (policy === 'never') return null
  const chain = await mergeChain(context, packetId)
  if (chain === null || !shouldCompact(policy, chain)) return null
  try {
    return await compactPacket(context, { ref: packetId, dropSteps: [] }, call)
  } catch (error) {
    if (error instanceof StatePackError && (error.code === 'E_NOT_SUPPORTED' || error.code === 'E_CANCELLED'))
      return null
    throw error
  }
}
