import { decodeText } from '#engine/documents/decodeText.ts'
import { type ErrorCode, StatePackError } from '#shared/domain/error.ts'

/**
 * The text of one of a model's files, all of which are UTF-8 (a byte-order mark is allowed). Throws `code` for another
 * encoding, naming it.
 */
export function modelText(bytes: Uint8Array, file: string, code: ErrorCode): string {
  const text = utf8(bytes)
  // UTF-16 of a Latin script without a mark is valid UTF-8, too: every second character is then U+0000.
  if (text !== null && !text.includes('\0')) return text
  const encoding = decodeText(bytes)?.encoding ?? null
  if (text !== null && encoding === null) return text
  const what = encoding === null ? 'not UTF-8 text' : `in ${encoding.toUpperCase()}, not in UTF-8`
  throw new StatePackError(code, `${file} is ${what}: save it as UTF-8, or get it again from where it came.`, {
    ...{ file, encoding },
  })
}

function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}
