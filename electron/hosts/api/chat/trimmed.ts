/** Lets a text through piece by piece as `trim` would leave it: white space comes only with what follows it. */
export function trimmed(show: (piece: string) => void): (piece: string) => void {
  let held = ''
  let isBegun = false
  return piece => {
    held += piece
    if (!isBegun) held = held.trimStart()
    const end = held.trimEnd().length
    if (end === 0) return
    isBegun = true
    show(held.slice(0, end))
    held = held.slice(end)
  }
}
