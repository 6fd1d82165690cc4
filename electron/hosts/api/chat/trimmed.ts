import type { OnPiece } from '../apiRoute.ts'

/** Lets a text through piece by piece as `trim` would leave it: white space comes only with what follows it. Calls of tools pass. */
export function trimmed(show: OnPiece): OnPiece {
  let held = ''
  let isBegun = false
  return (piece, of) => {
    if (of !== undefined) return show(piece, of)
    held += piece
    if (!isBegun) held = held.trimStart()
    const end = held.trimEnd().length
    if (end === 0) return
    isBegun = true
    show(held.slice(0, end))
    held = held.slice(end)
  }
}
