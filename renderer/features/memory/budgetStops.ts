const MIN = 50e6
const STEPS = [1, 1.5, 2, 3, 4, 5, 7.5] as const

/**
 * The budgets a slider offers, in bytes, ascending: round figures from 50 MB to `most` (of the machine's memory or disk), as far
 * apart as they are large; `least` before them where it may be less. What is set now is among them, whatever it is.
 */
export function budgetStops(
  current: number,
  { most, least = current }: { readonly most: number; readonly least?: number | undefined },
): readonly number[] {
  const stops = new Set([current, least])
  for (let decade = 1e7; decade <= most; decade *= 10) {
    for (const step of STEPS) {
      const bytes = step * decade
      if (bytes >= MIN && bytes <= most) stops.add(bytes)
    }
  }
  return [...stops].sort((a, b) => a - b)
}
