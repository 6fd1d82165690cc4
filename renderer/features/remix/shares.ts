/** Shares of a mix in whole percent, which always sum to 100: what is drawn is what is mixed. */

/** Scales to a sum of 100; what rounding leaves goes to the parts that lost most (largest remainder). */
function toHundred(parts: readonly number[]): number[] {
  const sum = parts.reduce((total, part) => total + part, 0)
  const exact = parts.map(part => (sum === 0 ? 100 / parts.length : (part / sum) * 100))
  const shares = exact.map(Math.floor)
  const left = 100 - shares.reduce((total, share) => total + share, 0)
  const lost = (at: number) => (exact[at] ?? 0) - (shares[at] ?? 0)
  const neediest = [...shares.keys()].sort((a, b) => lost(b) - lost(a) || a - b).slice(0, left)
  return shares.map((share, at) => (neediest.includes(at) ? share + 1 : share))
}

/** With another part that gets its equal share; the others keep their proportions. */
export function withPart(shares: readonly number[]): number[] {
  const fair = shares.length === 0 ? 100 : 100 / shares.length
  return toHundred([...shares, fair])
}

/** Without the part at `index`; the others keep their proportions. */
export function withoutPart(shares: readonly number[], index: number): number[] {
  const rest = shares.filter((_, at) => at !== index)
  return rest.length === 0 ? [] : toHundred(rest)
}

/** Where one part ends and the next begins, on a line from 0 to 100: one place less than parts. */
export function stopsOf(shares: readonly number[]): number[] {
  let at = 0
  return shares.slice(0, -1).map(share => {
    at += share
    return at
  })
}

/** The shares between {@link stopsOf}, the last one up to 100. */
export function sharesOf(stops: readonly number[]): number[] {
  return [...stops, 100].map((stop, at) => stop - (stops[at - 1] ?? 0))
}
