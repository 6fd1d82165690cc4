import type { Digest } from '#shared/domain/digest.ts'
import type { Reuse } from '#shared/rpc/methods/views.ts'
import type { PacketContext } from './context.ts'
import type { PrefixSearch } from './deepestPrefix.ts'
import { missSentence } from './prefixMiss.ts'
import { stateNames } from './stateNames.ts'

/** What a known state spared an operation, and why it was not more, as people read it. */
export function reuseView(
  context: Pick<PacketContext, 'store'>,
  {
    prefix,
    miss,
  }: { prefix: Pick<NonNullable<PrefixSearch['prefix']>, 'packetId' | 'tokens'> | null } & Pick<PrefixSearch, 'miss'>,
): Reuse {
  const names = stateNames(context)
  const nameOf = (packetId: Digest) => names(packetId) ?? 'an earlier prompt'
  return {
    reused:
      prefix === null ? null : { packetId: prefix.packetId, name: nameOf(prefix.packetId), tokens: prefix.tokens },
    reuseMissed: missSentence(miss, nameOf),
  }
}
