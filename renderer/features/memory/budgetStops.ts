const MIN = 50e6
const STEPS = [1, 1.5, 2, 3, 4, 5, 7.5] as const

/**
 * The budgets a slider offers, in bytes, ascending: round figures from 50 MB to the machine's memory, as far apart as they
 * are large. What is set now is among them, whatever it is.
 */
export function budgetStops(current: number, machineBytes: number): readonly number[] {
  const stops = new Set([current])
  for (let decade = 1e7; decade <= machineBytes; decade *= 10) {
    for (const step of STEPS) {
      const bytes = step * decade
      if (bytes >= MIN && bytes <= machineBytes) stops.add(bytes)
    }
  }
  return [...stops].sort((a, b) => a - b)
}
