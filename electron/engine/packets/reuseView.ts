import { type Digest, hexOf } from '#shared/domain/digest.ts'
import type { Reuse } from '#shared/rpc/methods/views.ts'
import type { PacketContext } from './context.ts'
import type { PrefixSearch } from './deepestPrefix.ts'
import { missSentence } from './prefixMiss.ts'

/** What a known state spared an operation, and why it was not more, as people read it. */
export function reuseView(
  { store }: Pick<PacketContext, 'store'>,
  {
    prefix,
    miss,
  }: { prefix: Pick<NonNullable<PrefixSearch['prefix']>, 'packetId' | 'tokens'> | null } & Pick<PrefixSearch, 'miss'>,
): Reuse {
  const names = store.library.packets.names.all()
  const nameOf = (id: Digest) => names.get(id)?.[0] ?? `the state ${hexOf(id).slice(0, 12)}`
  return {
    reused:
      prefix === null ? null : { packetId: prefix.packetId, name: nameOf(prefix.packetId), tokens: prefix.tokens },
    reuseMissed: missSentence(miss, nameOf),
  }
}
