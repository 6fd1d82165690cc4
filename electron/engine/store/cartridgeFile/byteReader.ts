/** Reads exact counts of bytes from a stream of chunks, never holding more than one chunk beyond what was asked for. */
import { StatePackError } from '#shared/domain/error.ts'

export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>
  #chunk: Uint8Array = new Uint8Array(0)
  #done = false

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** Exactly `count` bytes, or `E_BAD_FORMAT` when the stream ends before. For small counts: they are held in memory. */
  async take(count: number): Promise<Uint8Array> {
    const out = new Uint8Array(count)
    let at = 0
    for await (const part of this.stream(count)) {
      out.set(part, at)
      at += part.byteLength
    }
    return out
  }

  /** The next `count` bytes in pieces. */
  async *stream(count: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let left = count; left > 0; ) {
      if (!(await this.#fill())) throw new StatePackError('E_BAD_FORMAT', 'The cartridge file ends too early.')
      const part = this.#chunk.subarray(0, Math.min(left, this.#chunk.byteLength))
      this.#chunk = this.#chunk.subarray(part.byteLength)
      left -= part.byteLength
      yield part
    }
  }

  /** True when no byte is left. */
  async atEnd(): Promise<boolean> {
    return !(await this.#fill())
  }

  /** Tells the source that no more will be read, so that it can close its file. */
  async cancel(): Promise<void> {
    if (!this.#done) await this.#source.return?.()
    this.#done = true
  }

  async #fill(): Promise<boolean> {
    while (this.#chunk.byteLength === 0) {
      if (this.#done) return false
      const next = await this.#source.next()
      if (next.done === true) this.#done = true
      else this.#chunk = next.value
    }
    return true
  }
}
