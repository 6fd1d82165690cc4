import type { TokenSpelling } from './tokenBytes.ts'

/** Turns ids into text one by one. */
export interface StreamDecoder {
  /** The text that is complete with this id: whole characters only, possibly none. */
  push(id: number): string
  /** What is left: bytes that never became a character come out as U+FFFD. The decoder can be used again afterwards. */
  end(): string
}

/**
 * A decoder that holds back the bytes of an unfinished character. All pieces joined are the text of all the ids together;
 * every piece is whole Unicode text. `skip`: ids left out (special tokens).
 */
export function createStreamDecoder(spelling: TokenSpelling, skip?: (id: number) => boolean): StreamDecoder {
  const utf8 = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
  let atStart = true
  let pending = false

  const out = (text: string): string => {
    if (text === '') return ''
    const stripped = atStart && spelling.stripsFirstSpace && text.startsWith(' ') ? text.slice(1) : text
    atStart = false
    return stripped
  }
  const finish = (): string => {
    if (!pending) return ''
    pending = false
    return utf8.decode()
  }

  return {
    push(id) {
      if (skip?.(id)) return ''
      const piece = spelling.pieceOf(id)
      if (piece.kind === 'text') return out(finish() + piece.text)
      pending = true
      return out(utf8.decode(piece.bytes, { stream: true }))
    },
    end() {
      const rest = out(finish())
      atStart = true
      return rest
    },
  }
}
