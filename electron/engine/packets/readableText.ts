import { StatePackError } from '#shared/domain/error.ts'
import { ENGLISH } from '#shared/figures/createFigures.ts'

/** Longest text one operation reads, UTF-8 bytes: a few million tokens. */
export const TEXT_CAP = 8 * 1024 * 1024

/** Refuses what is not text worth reading: `E_EMPTY_TEXT`, `E_TOO_LARGE`, `E_NOT_TEXT`. Returns its UTF-8 bytes. */
export function readableText(text: string): Uint8Array {
  if (text.trim() === '') throw new StatePackError('E_EMPTY_TEXT', 'There is no text to read.')
  if (text.length > TEXT_CAP) throw tooLarge(text.length)
  assertIsText(text)
  const bytes = new TextEncoder().encode(text)
  if (bytes.byteLength > TEXT_CAP) throw tooLarge(bytes.byteLength)
  return bytes
}

/** A NUL is in no text and in nearly every binary file; a lone surrogate has no UTF-8 form and could not be stored. */
export function assertIsText(text: string): void {
  if (text.includes('\0') || !text.isWellFormed())
    throw new StatePackError('E_NOT_TEXT', 'This is not text: it contains binary data.')
}

function tooLarge(bytes: number): StatePackError {
  return new StatePackError(
    'E_TOO_LARGE',
    `The text has ${ENGLISH.formatBytes(bytes)}; at most ${ENGLISH.formatBytes(TEXT_CAP)} are read at once.`,
    {
      bytes,
      cap: TEXT_CAP,
    },
  )
}
