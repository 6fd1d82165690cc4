import { significant } from '#shared/figures/significant.ts'

/** Positions of a logarithmic slider: equal steps multiply. Zero, where it is allowed, is the first position. */
export const LOG_STEPS = 300

const low = (min: number, max: number) => (min > 0 ? min : Math.min(1, max / 1000))

/** Where `value` stands on the slider, 0 to {@link LOG_STEPS}; values outside of the range stand at its ends. */
export function toLogPosition(value: number, min: number, max: number): number {
  const from = low(min, max)
  if (value < from) return 0
  const t = Math.log(Math.min(value, max) / from) / Math.log(max / from)
  return Math.round(1 + t * (LOG_STEPS - 1))
}

/** The value at a position, to two significant digits so that it reads as a chosen number; the ends are exact. */
export function fromLogPosition(position: number, min: number, max: number): number {
  if (position <= 0) return min
  if (position >= LOG_STEPS) return max
  const from = low(min, max)
  const value = from * (max / from) ** ((position - 1) / (LOG_STEPS - 1))
  return Math.min(max, Math.max(min, significant(value, 2)))
}

/** A number of about a twentieth of `value`'s size, as a step of its keys: 1 for 21, 0.01 for 0.15, 1,000 for 44,600. */
export function stepOf(value: number, integer: boolean): number {
  const unit = 10 ** (Math.floor(Math.log10(Math.max(value, integer ? 1 : 0.01))) - 1)
  return integer ? Math.max(1, unit) : unit
}

/** `value` one step of its keys further, without the traces of binary fractions. */
export function nudge(value: number, direction: number, integer: boolean): number {
  return significant(value + direction * stepOf(value, integer), 12)
}

/**
 * What `value` becomes when the slider moves to `position`. Never stays where it was: a single key press on a slider that
 * rounds to two digits would otherwise do nothing.
 */
export function slide(
  position: number,
  { value, min, max, integer }: { value: number; min: number; max: number; integer: boolean },
): number {
  const target = fromLogPosition(position, min, max)
  const next = integer ? Math.round(target) : target
  const direction = Math.sign(position - toLogPosition(value, min, max))
  if (direction === 0 || Math.sign(next - value) === direction) return next
  const nudged = nudge(value, direction, integer)
  return Math.min(max, Math.max(min, nudged))
}
