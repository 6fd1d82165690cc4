import type { CartridgeConfig } from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'

/** The state that this one continues by a merge or an answer; null for one that was read from its texts, or mixed. */
export function grownFrom({ parents }: Pick<CartridgeConfig, 'parents'>): Digest | null {
  const [parent] = parents
  return parent !== undefined && (parent.op === 'merge' || parent.op === 'infer') ? parent.packetId : null
}
