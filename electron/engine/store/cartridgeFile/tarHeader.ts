/** POSIX ustar headers: the one canonical form we write, and a careful reading of what other tools write. */
import { StatePackError } from '#shared/domain/error.ts'

export const TAR_BLOCK = 512
/** The largest size that eleven octal digits can say. */
const TAR_SIZE_LIMIT = 8 ** 11 - 1

/** The canonical header of a plain file: mode 0644, no owner, no time. `name` must be at most 100 ASCII characters. */
export function canonicalHeader(name: string, size: number): Uint8Array {
  if (size > TAR_SIZE_LIMIT)
    throw new StatePackError('E_TOO_LARGE', 'A part is too large for a cartridge file.', { size })
  const header = new Uint8Array(TAR_BLOCK)
  const put = (text: string, at: number): void => {
    header.set(new TextEncoder().encode(text), at)
  }
  put(name, 0)
  put('0000644\0', 100)
  put('0000000\0', 108)
  put('0000000\0', 116)
  put(`${size.toString(8).padStart(11, '0')}\0`, 124)
  put('00000000000\0', 136)
  put('0', 156)
  put('ustar\x0000', 257)
  put('0000000\0', 329)
  put('0000000\0', 337)
  put(`${checksum(header).toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

export interface TarEntry {
  readonly name: string
  readonly size: number
  readonly kind: 'file' | 'folder' | 'pax'
}

/** Reads a header that any tool may have written. Links, devices and sparse files are refused. Throws `E_BAD_FORMAT`. */
export function parseHeader(block: Uint8Array): TarEntry {
  if (octal(block, 148, 8) !== checksum(block)) throw bad('a header has a wrong checksum')
  const prefix = isUstar(block) ? text(block, 345, 155) : ''
  const name = text(block, 0, 100)
  const size = octal(block, 124, 12)
  const type = String.fromCharCode(block[156] ?? 0)
  const path = prefix === '' ? name : `${prefix}/${name}`
  if (type === '0' || type === '\0') return { name: path, size, kind: 'file' }
  if (type === '5') return { name: path, size: 0, kind: 'folder' }
  if (type === 'x' || type === 'g') return { name: path, size, kind: 'pax' }
  throw bad(`an entry is not a plain file (type ${JSON.stringify(type)})`)
}

/** The sum over the header with its checksum field read as spaces. */
function checksum(header: Uint8Array): number {
  let sum = 0
  for (let i = 0; i < TAR_BLOCK; i++) sum += i >= 148 && i < 156 ? 0x20 : (header[i] ?? 0)
  return sum
}

function isUstar(block: Uint8Array): boolean {
  return new TextDecoder('latin1').decode(block.subarray(257, 262)) === 'ustar' && block[262] === 0
}

function text(block: Uint8Array, at: number, length: number): string {
  const field = block.subarray(at, at + length)
  const end = field.indexOf(0)
  return new TextDecoder('latin1').decode(end < 0 ? field : field.subarray(0, end))
}

/** An octal field. Base-256 (the high bit) and anything else is refused: those sizes have more than one reading. */
function octal(block: Uint8Array, at: number, length: number): number {
  const field = new TextDecoder('latin1').decode(block.subarray(at, at + length))
  const digits = /^ *([0-7]+)[ \0]*$/.exec(field)?.[1]
  if (digits === undefined) throw bad('a header has a field that is not a number')
  return Number.parseInt(digits, 8)
}

function bad(what: string): StatePackError {
  return new StatePackError('E_BAD_FORMAT', `Not a cartridge file: ${what}.`)
}
