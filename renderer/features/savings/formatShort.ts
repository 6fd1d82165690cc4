const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })

/** `950`, `18.8K`, `2.1M`: for axes, where space matters more than the last digit. */
export function formatShort(value: number): string {
  return short.format(value)
}
