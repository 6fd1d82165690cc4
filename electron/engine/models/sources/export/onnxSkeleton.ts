/**
 * An ONNX file without its weights: every large tensor kept in the file becomes external data that points back into the
 * file, by offset and length. What is left is small, whatever the model's size, and a single-file export is loaded like
 * any other: ONNX Runtime maps the weights, nothing holds them twice, and no protobuf limit of 2 GB applies.
 */
import type { FileHandle } from 'node:fs/promises'
import protobuf from 'protobufjs/light.js'
import { EXTERNAL } from '../../compile/onnxProto.ts'
import { openModelFile } from '../modelFile.ts'
import { delimited } from './protoFields.ts'

/** Field numbers of onnx.proto. */
const MODEL_GRAPH = 7
const GRAPH_INITIALIZER = 5
const TENSOR = { rawData: 9, externalData: 13, dataLocation: 14 }

/** Smaller tensors (shapes, axes, scalars) stay in place: shape inference wants to see them. */
const LARGE = 1024
const WINDOW = 1 << 16
/** Bytes and fields that stay in memory: many times what the largest graph has without its weights. */
const MOST_BYTES = 256 * 1024 * 1024
const MOST_FIELDS = 1 << 18

/**
 * `location` is what the file calls itself. Throws a RangeError that says at which byte the file stops making sense, or that
 * it has too much besides its weights.
 */
export async function readSkeleton(path: string, location: string): Promise<Uint8Array> {
  await using file = await openModelFile(path, 'E_MODEL_WEIGHTS')
  const { size } = await file.stat()
  const source = new Source(file, size)
  const parts: Uint8Array[] = []
  for await (const field of source.fields(0, size)) {
    if (field.number !== MODEL_GRAPH || field.from === null) parts.push(await source.read(field.start, field.end))
    else parts.push(delimited(MODEL_GRAPH, await graphOf(source, field.from, field.end, location)))
  }
  return Buffer.concat(parts)
}

async function graphOf(source: Source, from: number, to: number, location: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const field of source.fields(from, to)) {
    const isTensor = field.number === GRAPH_INITIALIZER && field.from !== null && field.end - field.from > LARGE
    if (isTensor) parts.push(delimited(GRAPH_INITIALIZER, await tensorOf(source, field.from ?? 0, field.end, location)))
    else parts.push(await source.read(field.start, field.end))
  }
  return Buffer.concat(parts)
}

async function tensorOf(source: Source, from: number, to: number, location: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const field of source.fields(from, to)) {
    const isLarge = field.number === TENSOR.rawData && field.from !== null && field.end - field.from >= LARGE
    if (!isLarge) {
      parts.push(await source.read(field.start, field.end))
      continue
    }
    const offset = field.from ?? 0
    parts.push(entry('location', location), entry('offset', `${offset}`), entry('length', `${field.end - offset}`))
    parts.push(
      protobuf.Writer.create()
        .uint32(TENSOR.dataLocation << 3)
        .uint32(EXTERNAL)
        .finish(),
    )
  }
  return Buffer.concat(parts)
}

function entry(key: string, value: string): Uint8Array {
  return delimited(
    TENSOR.externalData,
    Buffer.concat([delimited(1, Buffer.from(key)), delimited(2, Buffer.from(value))]),
  )
}

interface FileField {
  readonly number: number
  /** Where its tag begins, and the byte after its value. */
  readonly start: number
  readonly end: number
  /** Where the value of a length-delimited field begins; null for the other kinds. */
  readonly from: number | null
}

/** Reads a file of protobuf messages piece by piece. */
class Source {
  readonly #file: FileHandle
  readonly #size: number
  #window = Buffer.alloc(0)
  #at = 0
  #fields = 0
  #kept = 0

  constructor(file: FileHandle, size: number) {
    this.#file = file
    this.#size = size
  }

  /** The fields of the message between two offsets, without reading the values of delimited ones. */
  async *fields(from: number, to: number): AsyncGenerator<FileField> {
    for (let start = from; start < to; ) {
      const tag = await this.#varint(start, to)
      const number = Math.floor(tag.value / 8)
      const end = await this.#endOf(tag.value % 8, tag.next, to)
      if (number === 0 || end.next > to) {
        throw new RangeError(`the field at byte ${start} needs the file up to byte ${end.next}, it may go to ${to}`)
      }
      if (++this.#fields > MOST_FIELDS) throw new RangeError(`it has more than ${MOST_FIELDS} fields`)
      yield { number, start, end: end.next, from: end.from }
      start = end.next
    }
  }

  async read(from: number, to: number): Promise<Uint8Array> {
    this.#kept += to - from
    if (this.#kept > MOST_BYTES) throw new RangeError(`it has more than ${MOST_BYTES} bytes besides its weights`)
    const isInWindow = from >= this.#at && to <= this.#at + this.#window.length
    if (isInWindow) return Uint8Array.from(this.#window.subarray(from - this.#at, to - this.#at))
    const bytes = Buffer.alloc(to - from)
    await this.#fill(bytes, from)
    return bytes
  }

  async #endOf(wire: number, at: number, to: number): Promise<{ next: number; from: number | null }> {
    if (wire === 0) return { next: (await this.#varint(at, to)).next, from: null }
    if (wire === 1) return { next: at + 8, from: null }
    if (wire === 5) return { next: at + 4, from: null }
    if (wire !== 2) throw new RangeError(`byte ${at - 1} begins no field`)
    const { value, next } = await this.#varint(at, to)
    return { next: next + value, from: next }
  }

  async #varint(at: number, to: number): Promise<{ value: number; next: number }> {
    let value = 0
    for (let index = 0; index < 10 && at + index < to; index++) {
      const byte = await this.#byte(at + index)
      value += (byte & 0x7f) * 2 ** (7 * index)
      if (byte < 0x80) return { value, next: at + index + 1 }
    }
    throw new RangeError(`the number at byte ${at} does not end`)
  }

  async #byte(at: number): Promise<number> {
    if (at < this.#at || at >= this.#at + this.#window.length) {
      this.#window = Buffer.alloc(Math.min(WINDOW, this.#size - at))
      this.#at = at
      await this.#fill(this.#window, at)
    }
    return this.#window[at - this.#at] ?? 0
  }

  async #fill(into: Buffer, at: number): Promise<void> {
    for (let done = 0; done < into.length; ) {
      const { bytesRead } = await this.#file.read(into, done, into.length - done, at + done)
      if (bytesRead === 0) throw new RangeError(`the file ended at byte ${at + done} while it was being read`)
      done += bytesRead
    }
  }
}
