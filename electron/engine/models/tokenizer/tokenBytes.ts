import type { Stage } from './tokenizerFiles.ts'
import type { TokenizerPipeline } from './tokenizerPipeline.ts'

/** What one token stands for in text. */
export type TokenPiece =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** Spelt out: an added token, or a piece of a vocabulary that is written in characters. */
  | { readonly kind: 'text'; readonly text: string; readonly added: boolean }

/** How a vocabulary writes text down, read from the decoder of tokenizer.json. */
export interface TokenSpelling {
  /** A leading space of the whole text is the tokenizer's own and is left out. */
  readonly stripsFirstSpace: boolean
  pieceOf(id: number): TokenPiece
}

/** The byte each character of a byte-level vocabulary stands for (GPT-2: printable characters for all 256 bytes). */
const BYTE_OF = new Map<string, number>()
{
  let next = 0x100
  for (let byte = 0; byte < 0x100; byte++) {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad)
    BYTE_OF.set(String.fromCharCode(printable ? byte : next++), byte)
  }
}

/** What a token of a text writes; null for added tokens, which no text has, and for ids that are none. */
export function bytesOf({ pieceOf }: TokenSpelling, { id, size }: { id: number; size: number }): Uint8Array | null {
  const piece = id < size ? pieceOf(id) : null
  if (piece === null || (piece.kind === 'text' && piece.added)) return null
  return piece.kind === 'bytes' ? piece.bytes : Buffer.from(piece.text)
}

/** How this tokenizer's ids turn into text; null for decoders that are not a plain concatenation (WordPiece, CTC). */
export function tokenSpelling(pipeline: TokenizerPipeline, decoder: Stage | null | undefined): TokenSpelling | null {
  const stages = stagesOf(decoder)
  const vocabulary = pipeline.library.model?.vocab ?? []
  const added = new Map(pipeline.addedTokens.map(token => [token.id, token.content]))
  const unknown = pipeline.library.model?.unk_token ?? ''
  const withAdded = (spell: (token: string) => TokenPiece) => {
    const cache = new Map<number, TokenPiece>()
    return (id: number): TokenPiece => {
      const known = cache.get(id)
      if (known !== undefined) return known
      const content = added.get(id)
      const piece: TokenPiece =
        content === undefined ? spell(vocabulary[id] ?? unknown) : { kind: 'text', text: content, added: true }
      cache.set(id, piece)
      return piece
    }
  }

  const types = stages.map(stage => stage.type)
  if (types.length === 1 && types[0] === 'ByteLevel') {
    const pieceOf = withAdded(token => {
      const bytes = Array.from(token, character => BYTE_OF.get(character))
      if (bytes.some(byte => byte === undefined)) return { kind: 'text', text: token, added: false }
      return { kind: 'bytes', bytes: Uint8Array.from(bytes, byte => byte ?? 0) }
    })
    return { stripsFirstSpace: false, pieceOf }
  }
  const known = new Set(['Replace', 'ByteFallback', 'Fuse', 'Strip', 'Metaspace'])
  if (types.length === 0 || !types.every(type => known.has(type))) return null
  const strips = stages.filter(stage => stage.type === 'Strip')
  if (strips.some(stage => stage.content !== ' ' || stage.stop !== 0 || stage.start !== 1)) return null
  if (strips.length > 0 && types.indexOf('Strip') < types.indexOf('Fuse')) return null
  const fallback = types.includes('ByteFallback')
  const metaspace = stages.find(stage => stage.type === 'Metaspace')
  const marker =
    metaspace === undefined ? null : typeof metaspace.replacement === 'string' ? metaspace.replacement : '▁'
  const replaces = stages.filter(stage => stage.type === 'Replace')
  const patterns = replaces.map(stage => (stage.pattern as { String?: unknown } | undefined)?.String)
  if (patterns.some(pattern => typeof pattern !== 'string')) return null
  const pieceOf = withAdded(token => {
    const byte = fallback ? /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1] : undefined
    if (byte !== undefined) return { kind: 'bytes', bytes: Uint8Array.of(Number.parseInt(byte, 16)) }
    let text = marker === null ? token : token.replaceAll(marker, ' ')
    replaces.forEach((stage, i) => {
      text = text.replaceAll(String(patterns[i]), () => String(stage.content ?? ''))
    })
    return { kind: 'text', text, added: false }
  })
  const stripsFirstSpace = strips.length > 0 || (metaspace !== undefined && metaspace.prepend_scheme !== 'never')
  return { stripsFirstSpace, pieceOf }
}

function stagesOf(decoder: Stage | null | undefined): Stage[] {
  if (decoder === null || decoder === undefined) return []
  return decoder.type === 'Sequence' ? ((decoder.decoders ?? []) as Stage[]).flatMap(stagesOf) : [decoder]
}
