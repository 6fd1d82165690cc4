/** The start of a GGUF file as a stream of little-endian values: nothing is allocated before the file is known to hold it. */
import { readSync } from 'node:fs'
import { StatePackError } from '#shared/domain/error.ts'

const WINDOW = 1 << 18
/** All strings that are kept, in bytes: several times what the largest published vocabulary with its merges takes. */
const KEPT_BYTES = 24 << 20

export class GgufBytes {
  readonly label: string
  readonly size: number
  readonly #fd: number
  #window = Buffer.alloc(0)
  #start = 0
  #at = 0
  #kept = 0

  /** `size` bytes in the open file `fd`; `label` names it in refusals. */
  constructor(fd: number, { size, label }: { size: number; label: string }) {
    this.#fd = fd
    this.size = size
    this.label = label
  }

  /** Bytes from the start of the file. */
  get position(): number {
    return this.#start + this.#at
  }

  get remaining(): number {
    return this.size - this.position
  }

  u8(): number {
    return this.#take(1).readUInt8()
  }

  i8(): number {
    return this.#take(1).readInt8()
  }

  u16(): number {
    return this.#take(2).readUInt16LE()
  }

  i16(): number {
    return this.#take(2).readInt16LE()
  }

  u32(): number {
    return this.#take(4).readUInt32LE()
  }

  i32(): number {
    return this.#take(4).readInt32LE()
  }

  f32(): number {
    return this.#take(4).readFloatLE()
  }

  f64(): number {
    return this.#take(8).readDoubleLE()
  }

  /** An unsigned 64-bit number that JavaScript holds exactly. */
  u64(what: string): number {
    return this.#safe(this.#take(8).readBigUInt64LE(), what)
  }

  i64(what: string): number {
    return this.#safe(this.#take(8).readBigInt64LE(), what)
  }

  /** How many of something that takes at least `least` bytes each follow: no more than there is room for, nor than `most`. */
  count(what: string, { least, most }: { least: number; most: number }): number {
    const count = this.u64(what)
    if (count > most) throw this.error(`${what} is ${count}, more than ${most}`)
    if (count * least > this.remaining) throw this.error(`${what} is ${count}, more than the file has room for`)
    return count
  }

  /** A string of at most `most` bytes of UTF-8, with its 64-bit length before it. */
  string(what: string, most: number): string {
    const length = this.count(`the length of ${what}`, { least: 1, most })
    this.#kept += length
    if (this.#kept > KEPT_BYTES) throw this.error(`its strings take more than ${KEPT_BYTES} bytes`)
    const bytes = this.#take(length)
    const text = bytes.toString('utf8')
    if (text.includes('\uFFFD') && !Buffer.from(text).equals(bytes)) throw this.error(`${what} is no UTF-8 text`)
    return text
  }

  /** Goes past `count` bytes without reading them. */
  skip(count: number): void {
    if (count > this.remaining) throw this.error('it ends in the middle of its header')
    const within = this.#at + count <= this.#window.length
    const to = this.position + count
    if (within) this.#at += count
    else [this.#window, this.#start, this.#at] = [Buffer.alloc(0), to, 0]
  }

  error(what: string): StatePackError {
    return new StatePackError('E_MODEL_WEIGHTS', `The GGUF file ${this.label} cannot be used: ${what}.`, {
      file: this.label,
    })
  }

  #safe(value: bigint, what: string): number {
    const number = Number(value)
    if (!Number.isSafeInteger(number)) throw this.error(`${what} is ${value}`)
    return number
  }

  /** The next `count` bytes; valid until the next call. */
  #take(count: number): Buffer {
    if (count > this.remaining) throw this.error('it ends in the middle of its header')
    if (this.#at + count > this.#window.length) {
      const wanted = Math.min(Math.max(WINDOW, count), this.remaining)
      const window = Buffer.alloc(wanted)
      const from = this.position
      let got = 0
      while (got < wanted) {
        const read = readSync(this.#fd, window, got, wanted - got, from + got)
        if (read === 0) throw this.error('it ended early')
        got += read
      }
      this.#window = window
      this.#start = from
      this.#at = 0
    }
    const bytes = this.#window.subarray(this.#at, this.#at + count)
    this.#at += count
    return bytes
  }
}
