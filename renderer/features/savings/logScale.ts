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
  return Math.min(max, Math.max(min, Number(value.toPrecision(2))))
}
