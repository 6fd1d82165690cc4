/** What encoding the bytes of a text are in, as people's files are: UTF-8, UTF-16, what the file itself declares, Windows-1252. */

export interface DecodedText {
  /** Without a byte order mark: it says how the text is written and is not part of it. */
  readonly text: string
  /** Lower-case WHATWG name, e.g. `utf-8`, `windows-1252`. */
  readonly encoding: string
  /** Nothing says that it is this one, and the same bytes are a text in others, too. */
  readonly guessed: boolean
}

/** How far in a declaration is looked for, as browsers do. */
const HEAD = 1024
/** Bytes that Windows-1252 has no character for. */
const UNUSED = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d])
/** Above this share of non-ASCII bytes a text is not in a Western language, so Windows-1252 would be a wrong guess. */
const WESTERN = 0.3

/**
 * Null when the bytes are no text in `encoding` (any WHATWG label), or, without one, in an encoding that cannot be told. What a file declares is
 * often wrong, so `encoding` counts more; a byte order mark is not, and counts most.
 */
export function decodeText(bytes: Uint8Array, encoding?: string): DecodedText | null {
  const marked = markedEncoding(bytes)
  if (marked !== null) return decodeAs(bytes, marked)
  if (encoding !== undefined) return decodeAs(bytes, encoding)
  const declared = declaredEncoding(bytes)
  // A text of one byte a character that happens to be valid UTF-8 is rarer than a declaration that is out of date.
  if (declared !== 'iso-2022-jp') {
    const utf8 = decodeAs(bytes, 'utf-8')
    if (utf8 !== null) return utf8
  }
  if (declared !== null) return decodeAs(bytes, declared)
  const wide = wideEncoding(bytes)
  if (wide !== null) return decodeAs(bytes, wide)
  const western = isWestern(bytes) ? decodeAs(bytes, 'windows-1252') : null
  return western === null ? null : { ...western, guessed: true }
}

/** Whether there is an encoding of this name. */
export function isEncoding(label: string): boolean {
  try {
    return new TextDecoder(label).encoding !== ''
  } catch {
    return false
  }
}

function decodeAs(bytes: Uint8Array, encoding: string): DecodedText | null {
  try {
    const decoder = new TextDecoder(encoding, { fatal: true })
    const text = decoder.decode(bytes)
    return text.includes('\0') ? null : { text, encoding: decoder.encoding, guessed: false }
  } catch {
    return null
  }
}

function markedEncoding([a, b, c]: Uint8Array): string | null {
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8'
  if (a === 0xff && b === 0xfe) return 'utf-16le'
  if (a === 0xfe && b === 0xff) return 'utf-16be'
  return null
}

/** What a page or an XML file says of itself; null when it says nothing, or something unknown. */
function declaredEncoding(bytes: Uint8Array): string | null {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, HEAD))
  const [, label] =
    /<meta\s[^>]*charset\s*=\s*["']?\s*([\w.:-]+)/i.exec(head) ??
    /^\s*<\?xml\s[^>]*encoding\s*=\s*["']([\w.:-]+)["']/i.exec(head) ??
    []
  try {
    return label === undefined ? null : new TextDecoder(label).encoding
  } catch {
    return null
  }
}

/** UTF-16 without a mark: every second byte of a text in a Latin script is zero, and none of the others. */
function wideEncoding(bytes: Uint8Array): string | null {
  const head = bytes.subarray(0, 2 * HEAD)
  const zeros = [0, 0]
  for (const [i, byte] of head.entries()) if (byte === 0) zeros[i % 2] = (zeros[i % 2] ?? 0) + 1
  const [even = 0, odd = 0] = zeros
  const many = head.length / 2 / 4
  if (odd > many && even === 0) return 'utf-16le'
  return even > many && odd === 0 ? 'utf-16be' : null
}

function isWestern(bytes: Uint8Array): boolean {
  let high = 0
  for (const byte of bytes) {
    if (UNUSED.has(byte) || byte === 0x7f) return false
    // Control characters are in no text; tab, line feed, form feed and carriage return are.
    if (byte < 0x20 && byte !== 9 && byte !== 10 && byte !== 12 && byte !== 13) return false
    if (byte >= 0x80) high++
  }
  return high <= WESTERN * bytes.length
}
