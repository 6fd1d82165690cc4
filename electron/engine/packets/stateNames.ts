import type { Digest } from '#shared/domain/digest.ts'
import type { PacketContext } from './context.ts'

/**
 * What people call a state: a cartridge by its name, the state after an answer by the cartridge that was asked. Null for what has
 * no name, like a prompt that a program sent: its id tells a person nothing.
 */
export function stateNames({ store }: Pick<PacketContext, 'store'>): (packetId: Digest) => string | null {
  const { packets, turns } = store.library
  return packetId => {
    const [own] = packets.names.of(packetId)
    if (own !== undefined) return own
    const root = turns.rootOf(packetId)
    const [asked] = root === null ? [] : packets.names.of(root)
    return asked === undefined ? null : `${asked}, after an answer`
  }
}
