import { type CartridgeConfig, MAX_ROUNDINGS } from '#shared/domain/cartridge.ts'
import { StatePackError } from '#shared/domain/error.ts'

type Stored = Pick<CartridgeConfig['cache'], 'dtype' | 'rounded'>

/** Whether what is read after a state of this dtype shows that it was rounded. */
export function isRounded({ dtype }: Stored): boolean {
  return dtype === 'int8' || dtype === 'float8_e4m3'
}

/**
 * Where a state was rounded that goes on from the first `tokens` tokens of a stored one: wherever that one was, and there.
 * Throws `E_TOO_LARGE` after {@link MAX_ROUNDINGS}.
 */
export function roundingsAfter(stored: Stored, tokens: number): number[] {
  if (!isRounded(stored) || tokens === 0) return []
  const places = [...(stored.rounded ?? []).filter(place => place < tokens), tokens]
  if (places.length <= MAX_ROUNDINGS) return places
  throw new StatePackError(
    'E_TOO_LARGE',
    `This state was stored in ${stored.dtype} and grown ${MAX_ROUNDINGS} times, and every time rounded it again: compact it first (statepack compact), or create it anew from its texts.`,
    { most: MAX_ROUNDINGS },
  )
}
