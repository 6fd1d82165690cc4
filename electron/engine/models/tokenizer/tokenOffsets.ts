import { isHardStarter } from './normalizerBoundary.ts'
import type { TokenSpelling } from './tokenBytes.ts'
import type { TokenizerPipeline } from './tokenizerPipeline.ts'

/** The characters one token covers: UTF-16 positions in the text it came from. */
export interface TokenOffset {
  readonly id: number
  /** A token that holds part of a character covers the whole of it, so neighbours may overlap there. */
  readonly start: number
  readonly end: number
  /** The token alone as text; U+FFFD where its bytes are part of a character. */
  readonly text: string
}

/**
 * Which characters of `text` each of `ids` covers. The ids' spellings are laid along the normalised text; where they differ
 * (white space that an added token swallowed, unknown characters) the nearest place that agrees is taken, so the offsets
 * never run backwards and never leave the text. Tokens that stand for nothing in the text (BOS) get an empty range.
 */
export function tokenOffsets(
  { pipeline, spelling }: { pipeline: TokenizerPipeline; spelling: TokenSpelling | null },
  text: string,
  ids: ArrayLike<number>,
): TokenOffset[] {
  const decoder = new TextDecoder()
  const encoder = new TextEncoder()
  const { bytes, rawStart, rawEnd } = normalizedBytes(text, piece => pipeline.normalize(piece, 'inside'))
  let at = 0
  return Array.from(ids, (id, index): TokenOffset => {
    const piece = spelling?.pieceOf(id)
    if (piece === undefined)
      return { id, start: rawStart(at), end: rawStart(at), text: pipeline.library.id_to_token(id) ?? '' }
    const tokenBytes = piece.kind === 'bytes' ? piece.bytes : encoder.encode(piece.text)
    const shown = piece.kind === 'bytes' ? decoder.decode(piece.bytes) : piece.text
    let from = place(bytes, tokenBytes, at, piece.kind === 'text' && piece.added)
    let length = tokenBytes.length
    if (from === null && tokenBytes[0] === 0x20 && (index === 0 || spelling?.stripsFirstSpace)) {
      // The space was put there by the tokenizer, not by the text.
      from = place(bytes, tokenBytes.subarray(1), at, false)
      length -= 1
    }
    if (from === null) return { id, start: rawStart(at), end: rawStart(at), text: shown }
    at = from + length
    return { id, start: rawStart(from), end: length === 0 ? rawStart(from) : rawEnd(at - 1), text: shown }
  })
}

/** Where `token` lies at or shortly after `at`: directly, or behind white space; an added token anywhere behind it. */
function place(bytes: Uint8Array, token: Uint8Array, at: number, added: boolean): number | null {
  for (let from = at; from + token.length <= bytes.length; from++) {
    if (token.every((byte, i) => bytes[from + i] === byte)) return from
    const byte = bytes[from] ?? 0
    const space = byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)
    if (!space || !added) return null
  }
  return null
}

/** The normalised text as UTF-8, with the raw character each byte came from. */
function normalizedBytes(text: string, normalize: (piece: string) => string) {
  const encoder = new TextEncoder()
  const pieces: Uint8Array[] = []
  const edges: { byte: number; raw: number }[] = []
  let size = 0
  let start = 0
  for (let end = 1; end <= text.length; end++) {
    if (end < text.length && !isHardStarter(text, end)) continue
    const encoded = encoder.encode(normalize(text.slice(start, end)).replaceAll('▁', ' '))
    edges.push({ byte: size, raw: start })
    pieces.push(encoded)
    size += encoded.length
    start = end
  }
  const bytes = new Uint8Array(size)
  let offset = 0
  for (const piece of pieces) {
    bytes.set(piece, offset)
    offset += piece.length
  }
  const edgeOf = (byte: number): number => {
    let low = 0
    let high = edges.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((edges[middle]?.byte ?? 0) <= byte) low = middle + 1
      else high = middle
    }
    return low - 1
  }
  return {
    bytes,
    rawStart: (byte: number): number => (byte >= size ? text.length : (edges[edgeOf(byte)]?.raw ?? 0)),
    rawEnd: (byte: number): number => edges[edgeOf(byte) + 1]?.raw ?? text.length,
  }
}
