/** A file's text in one of the encodings that it may be in. */
export interface Reading {
  /** Lower-case WHATWG name. */
  readonly encoding: string
  /** Where it first is more than ASCII, so that a person sees whether that is right. */
  readonly excerpt: string
}

/** Those of the web's old encodings that files are found in, the commonest of alike ones first. */
const ENCODINGS = [
  ...[
    'windows-1252',
    'windows-1250',
    'windows-1251',
    'koi8-r',
    'ibm866',
    'windows-1253',
    'windows-1254',
    'windows-1255',
  ],
  ...['windows-1256', 'windows-1257', 'windows-1258', 'windows-874', 'macintosh'],
  ...['shift_jis', 'euc-jp', 'gb18030', 'big5', 'euc-kr'],
]
/** Bytes at the beginning that are looked at. */
const HEAD = 2 ** 18
const BEFORE = 12
const EXCERPT = 48

/**
 * How bytes read in every encoding in which they are text, the likelier ones first: in a wrong one, letters become signs,
 * or change their case or script within a word. Empty for what is no text in any.
 */
export function readingsOf(bytes: Uint8Array): Reading[] {
  const head = bytes.subarray(0, HEAD)
  const readings = ENCODINGS.flatMap(encoding => {
    const text = decoded(head, encoding)
    return text === null ? [] : [{ encoding, excerpt: excerptOf(text), oddness: oddnessOf(text) }]
  })
  return readings.toSorted((a, b) => a.oddness - b.oddness).map(({ encoding, excerpt }) => ({ encoding, excerpt }))
}

function decoded(bytes: Uint8Array, encoding: string): string | null {
  try {
    // The last character may be cut off where the head ends.
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes, { stream: true })
    return /[^\P{Cc}\t\n\f\r]|\p{Co}/u.test(text) ? null : text
  } catch {
    return null
  }
}

/** Signs among letters, capitals after small ones, scripts mixed and accents side by side, as a share of what is not ASCII. */
function oddnessOf(text: string): number {
  const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0
  const signs = count(/[^\p{ASCII}\p{L}\p{M}\p{N}\p{Zs}“”„‘’‚«»–—…€§°、。「」！？：；（）]/gu)
  const mixed = count(/[a-z][[\p{L}]--[\p{Script=Latin}]]/giv)
  const accented = count(/[[\p{Script=Latin}]--[\p{ASCII}]]{2}/gv)
  return (signs + mixed + accented + count(/\p{Ll}\p{Lu}/gu)) / Math.max(1, count(/\P{ASCII}/gu))
}

function excerptOf(text: string): string {
  const at = Math.max(0, text.search(/\P{ASCII}/u))
  const from = Math.max(0, at - BEFORE)
  // From the beginning of a word.
  const start = from === 0 ? 0 : from + text.slice(from, at).search(/\s/) + 1
  return text
    .slice(start, start + EXCERPT)
    .replace(/\s+/g, ' ')
    .trim()
}
