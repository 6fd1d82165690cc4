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
  #window: Buffer
  #start = 0
  #at = 0
  /** Bytes of the window that are from the file. */
  #held = 0
  #kept = 0

  /** `size` bytes in the open file `fd`; `label` names it in refusals. */
  constructor(fd: number, { size, label }: { size: number; label: string }) {
    this.#fd = fd
    this.#window = Buffer.allocUnsafe(Math.min(WINDOW, size))
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
    return this.#window.readUInt8(this.#take(1))
  }

  i8(): number {
    return this.#window.readInt8(this.#take(1))
  }

  u16(): number {
    return this.#window.readUInt16LE(this.#take(2))
  }

  i16(): number {
    return this.#window.readInt16LE(this.#take(2))
  }

  u32(): number {
    return this.#window.readUInt32LE(this.#take(4))
  }

  i32(): number {
    return this.#window.readInt32LE(this.#take(4))
  }

  f32(): number {
    return this.#window.readFloatLE(this.#take(4))
  }

  f64(): number {
    return this.#window.readDoubleLE(this.#take(8))
  }

  /** An unsigned 64-bit number that JavaScript holds exactly. */
  u64(what: string): number {
    return this.#safe(this.#window.readBigUInt64LE(this.#take(8)), what)
  }

  i64(what: string): number {
    return this.#safe(this.#window.readBigInt64LE(this.#take(8)), what)
  }

  /** How many of something that takes at least `least` bytes each follow: no more than there is room for, nor than `most`. */
  count(what: string, { least, most }: { least: number; most: number }): number {
    const count = this.u64(what)
    if (count > most) throw this.error(`${what} is ${count}, more than ${most}`)
    if (count * least > this.remaining) throw this.error(`${what} is ${count}, more than the file has room for`)
    return count
  }

  /** A string of at most `most` bytes of UTF-8, with its 64-bit length before it; `what` names it or its length. */
  string(what: string, most: number): string {
    const length = this.count(what, { least: 1, most })
    this.#kept += length
    if (this.#kept > KEPT_BYTES) throw this.error(`its strings take more than ${KEPT_BYTES} bytes`)
    const at = this.#take(length)
    const text = this.#window.toString('utf8', at, at + length)
    const isText = !text.includes('\uFFFD') || Buffer.from(text).equals(this.#window.subarray(at, at + length))
    if (!isText) throw this.error(`${what} is no UTF-8 text`)
    return text
  }

  /** Goes past `count` bytes without reading them. */
  skip(count: number): void {
    if (count > this.remaining) throw this.error('it ends in the middle of its header')
    if (this.#at + count <= this.#held) this.#at += count
    else [this.#start, this.#at, this.#held] = [this.position + count, 0, 0]
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

  /** Where in the window the next `count` bytes are, until more are asked for. */
  #take(count: number): number {
    if (count > this.remaining) throw this.error('it ends in the middle of its header')
    if (this.#at + count > this.#held) this.#fill(count)
    this.#at += count
    return this.#at - count
  }

  #fill(count: number): void {
    const from = this.position
    if (count > this.#window.length) this.#window = Buffer.allocUnsafe(count)
    const wanted = Math.min(this.#window.length, this.size - from)
    let got = 0
    while (got < wanted) {
      const read = readSync(this.#fd, this.#window, got, wanted - got, from + got)
      if (read === 0) throw this.error('it ended early')
      got += read
    }
    this.#start = from
    this.#at = 0
    this.#held = wanted
  }
}
