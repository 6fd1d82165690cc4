/**
 * Bytes as the grammar library is given them. It takes every byte of UTF-8 for any other and lets texts through that are none,
 * so bytes above ASCII are spelt as two control characters, which JSON never writes as they are, and {@link UTF8_RULES}
 * say which follow each other.
 */
const HIGH = 0x80
/** Tab and the ends of lines, which stand around JSON and are none of the two: they are themselves. */
const WHITE = new Set([0x09, 0x0a, 0x0d])

/** How bytes are spelt; '' where one of them is another control character: no answer holds it. */
export function speltBytes(bytes: Uint8Array): string {
  let spelt = ''
  for (const byte of bytes) {
    if (byte < 0x20 && !WHITE.has(byte)) return ''
    spelt += byte < HIGH ? String.fromCharCode(byte) : String.fromCharCode(...pairOf(byte))
  }
  return spelt
}

/** A literal of EBNF. `text` has no control character but white space. */
export function literal(text: string): string {
  const written = Array.from(speltBytes(Buffer.from(text)), character => {
    if (character === '"' || character === '\\') return `\\${character}`
    return character < ' ' ? `\\x${hex(character.charCodeAt(0))}` : character
  })
  return `"${written.join('')}"`
}

/** `two`, `three` and `four` bytes that are one character of Unicode (RFC 3629); half of a surrogate pair is none. */
export const UTF8_RULES = [
  `tail ::= ${bytes(0x80, 0xbf)}`,
  `two ::= (${bytes(0xc2, 0xcf)} | ${bytes(0xd0, 0xdf)}) tail`,
  `three ::= ${bytes(0xe0, 0xe0)} ${bytes(0xa0, 0xbf)} tail | (${bytes(0xe1, 0xec)} | ${bytes(0xee, 0xef)}) tail tail | ${bytes(0xed, 0xed)} ${bytes(0x80, 0x9f)} tail`,
  `four ::= ${bytes(0xf0, 0xf0)} ${bytes(0x90, 0xbf)} tail tail | ${bytes(0xf1, 0xf3)} tail tail tail | ${bytes(0xf4, 0xf4)} ${bytes(0x80, 0x8f)} tail tail`,
]

/** Bytes of one high half, or of several whole ones. */
function bytes(from: number, to: number): string {
  const [[high, low], [last, end]] = [pairOf(from), pairOf(to)]
  return `[\\x${hex(high)}-\\x${hex(last)}] [\\x${hex(low)}-\\x${hex(end)}]`
}

/** The halves of a byte above ASCII: 1 to 8, and 16 to 31. */
function pairOf(byte: number): [number, number] {
  return [(byte >> 4) - 7, 0x10 + (byte & 15)]
}

function hex(code: number): string {
  return code.toString(16).padStart(2, '0')
}
