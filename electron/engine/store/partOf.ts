/** At most `size` bytes from the `from`-th of these pieces, not copied. */
export function partOf(pieces: readonly Uint8Array[], from: number, size: number): Uint8Array[] {
  let before = 0
  return pieces.flatMap(piece => {
    const begin = Math.max(0, from - before)
    const end = Math.min(piece.byteLength, from + size - before)
    before += piece.byteLength
    return begin < end ? [piece.subarray(begin, end)] : []
  })
}
