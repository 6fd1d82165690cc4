/** Token ids one after the other, as an array of their own. */
export function joinTokens(...parts: readonly Int32Array[]): Int32Array<ArrayBuffer> {
  return putTokens(new Int32Array(parts.reduce((sum, { length }) => sum + length, 0)), 0, parts)
}

/** Writes them from `start` on. */
export function putTokens<Tokens extends Int32Array>(
  tokens: Tokens,
  start: number,
  parts: readonly Int32Array[],
): Tokens {
  let at = start
  for (const part of parts) {
    tokens.set(part, at)
    at += part.length
  }
  return tokens
}
