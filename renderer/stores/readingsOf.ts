/** A file's text in one of the encodings that it may be in. */
export interface Reading {
  /** Lower-case WHATWG name. */
  readonly encoding: string
  /** Where it differs from all other readings, so that a person sees whether that is right. */
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
/** Bytes that are looked at. */
const MOST = 2 ** 15
/** Bytes of ASCII before and after others that are looked at, too: more than an excerpt has. */
const AROUND = 64
const BEFORE = 12
const EXCERPT = 48

/**
 * How bytes read in every encoding in which they are text, the likelier ones first: in a wrong one, letters become signs,
 * or change their case or script within a word. Of those that read alike the commonest. Empty for what is no text in any.
 */
export function readingsOf(bytes: Uint8Array): Reading[] {
  const passages = passagesOf(bytes)
  const texts = new Map<string, string>()
  for (const encoding of ENCODINGS) {
    const text = decoded(passages, encoding)
    if (text !== null && !texts.has(text)) texts.set(text, encoding)
  }
  const all = [...texts.keys()]
  return [...texts]
    .map(([text, encoding]) => ({ encoding, text, oddness: oddnessOf(text) }))
    .toSorted((a, b) => a.oddness - b.oddness)
    .map(({ encoding, text }) => ({ encoding, excerpt: excerptOf(text, all) }))
}

/** What is no ASCII of texts, with what stands around it, as much as is looked at; whether anything follows. */
function passagesOf(bytes: Uint8Array): { readonly bytes: Uint8Array; readonly isCut: boolean } {
  const taken = new Uint8Array(Math.min(MOST, bytes.length))
  let size = 0
  /** Up to where `bytes` have been taken, or left out. */
  let done = 0
  for (let i = 0; i < bytes.length && size < MOST; i += 1) {
    const byte = bytes[i] ?? 0
    if (byte < 0x80 && !isControl(byte)) continue
    const from = Math.max(done, i - AROUND)
    if (from > done && size > 0) taken[size++] = 0x0a
    let to = i + 1
    // So much ASCII ends any character that has begun.
    for (let ascii = 0; to < bytes.length && ascii < AROUND; to += 1) ascii = (bytes[to] ?? 0) < 0x80 ? ascii + 1 : 0
    const passage = bytes.subarray(from, Math.min(to, from + MOST - size))
    taken.set(passage, size)
    size += passage.length
    done = from + passage.length
    i = done - 1
  }
  return { bytes: taken.subarray(0, size), isCut: size === MOST && done < bytes.length }
}

/** Tab, line feed, form feed and carriage return are in texts. */
const isControl = (byte: number) => byte === 0x7f || (byte < 0x20 && ![9, 10, 12, 13].includes(byte))

function decoded({ bytes, isCut }: ReturnType<typeof passagesOf>, encoding: string): string | null {
  try {
    // The last character may be cut off where looking ends.
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes, { stream: isCut })
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

/** From the word before the place where it has become another text than all others. */
function excerptOf(text: string, all: readonly string[]): string {
  const at = Math.max(...all.map(other => (other === text ? 0 : sharedLength(text, other))))
  const from = Math.max(0, at - BEFORE)
  // From the beginning of a word.
  const start = from === 0 ? 0 : from + text.slice(from, at).search(/\s/) + 1
  return text
    .slice(start, start + EXCERPT)
    .replace(/\s+/g, ' ')
    .trim()
}

/** Of what two texts begin with alike. */
function sharedLength(a: string, b: string): number {
  let i = 0
  while (i < a.length && a.charCodeAt(i) === b.charCodeAt(i)) i += 1
  return i
}
