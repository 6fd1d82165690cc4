/** One source tensor's part of a converted file: rounded to float16, or quantised in blocks. */
import type { Matrix } from '../compile/graphWeights.ts'
import { type Bits, BLOCKS, CODES, quantiseRows, SCALES, ZEROS, zeroBytes } from '../compile/quantise.ts'
import type { CheckpointTensor } from './checkpoint.ts'
import type { TensorRows } from './tensorRows.ts'

export interface PieceEntry {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly number[]
  readonly bytes: number
}

export interface Piece {
  readonly source: CheckpointTensor
  readonly entries: readonly PieceEntry[]
  /** Writes the bytes of all entries in order. */
  write(rows: Omit<TensorRows, typeof Symbol.asyncDispose>, out: (bytes: Uint8Array) => Promise<void>): Promise<void>
}

/** Numbers read at a time. */
const SLICE = 1 << 20

/** Steps of about {@link SLICE} numbers through `rows` rows of `width`. */
export function* rowSteps(rows: number, width: number): Generator<readonly [from: number, count: number]> {
  const step = Math.max(1, Math.floor(SLICE / width))
  for (let from = 0; from < rows; from += step) yield [from, Math.min(step, rows - from)]
}

/** float16 for tables and matrices when that is the precision asked for; vectors (norms, biases, decays) stay float32. */
export function wholePiece(source: CheckpointTensor, precision: 'float16' | 'int8' | 'int4'): Piece {
  const { name, dtype, arrangement } = source
  const isTurned = arrangement?.kind === 'turned'
  const shape = isTurned ? source.shape.toReversed() : source.shape
  const half = shape.length > 1 && (precision === 'float16' || dtype !== 'F32')
  const count = shape.reduce((a, b) => a * b, 1)
  return {
    source,
    entries: [{ name, shape, dtype: half ? 'F16' : 'F32', bytes: count * (half ? 2 : 4) }],
    async write(rows, out) {
      const encoded = (values: Float32Array) => bytesOf(half ? new Float16Array(clampToHalf(values)) : values)
      if (isTurned) return out(encoded(transpose(await rows.numbers(0, rows.rows), rows.rows, rows.width)))
      for (const [from, some] of rowSteps(rows.rows, rows.width)) await out(encoded(await rows.numbers(from, some)))
    },
  }
}

export function quantisedPiece(source: CheckpointTensor, matrix: Matrix, bits: Bits): Piece {
  const { outputs, inputs, layout } = matrix
  const blocks = Math.ceil(inputs / BLOCKS[bits])
  const width = (BLOCKS[bits] * bits) / 8
  const zerosShape = [outputs, zeroBytes(blocks)]
  return {
    source,
    entries: [
      { name: source.name + CODES, dtype: 'U8', shape: [outputs, blocks, width], bytes: outputs * blocks * width },
      { name: source.name + SCALES, dtype: 'F32', shape: [outputs * blocks], bytes: 4 * outputs * blocks },
      ...(bits === 4
        ? [{ name: source.name + ZEROS, dtype: 'U8', shape: zerosShape, bytes: outputs * zeroBytes(blocks) }]
        : []),
    ],
    async write(rows, out) {
      const scales = new Float32Array(outputs * blocks)
      const zeros: Uint8Array[] = []
      const all = layout === 'in-out' ? transpose(await rows.numbers(0, inputs), inputs, outputs) : null
      for (const [row, count] of rowSteps(outputs, inputs)) {
        const values = all?.subarray(row * inputs, (row + count) * inputs) ?? (await rows.numbers(row, count))
        const quantised = quantiseRows(values, inputs, bits)
        scales.set(quantised.scales, row * blocks)
        if (quantised.zeros !== null) zeros.push(quantised.zeros)
        await out(quantised.codes)
      }
      await out(bytesOf(scales))
      for (const some of zeros) await out(some)
    },
  }
}

function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(values.length)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) turned[column * rows + row] = values[row * columns + column] ?? 0
  }
  return turned
}

/** A bfloat16 or float32 beyond the largest float16 would become infinite; in place. */
function clampToHalf(values: Float32Array): Float32Array {
  for (let i = 0; i < values.length; i++) values[i] = Math.min(Math.max(values[i] ?? 0, -65504), 65504)
  return values
}

export function bytesOf(array: Float32Array | Float16Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}
