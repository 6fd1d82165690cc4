/** Writes a checkpoint's weights in another precision: one file, streamed, appearing under its name only when complete. */
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { StatePackError } from '#shared/domain/error.ts'
import type { Matrix } from '../compile/graphWeights.ts'
import { type Bits, BLOCK, CODES, quantiseRows, SCALES } from '../compile/quantise.ts'
import type { Precision } from '../model.ts'
import type { Checkpoint, CheckpointTensor } from './checkpoint.ts'

export interface Conversion {
  readonly precision: Exclude<Precision, 'float32'>
  readonly matrices: ReadonlyMap<string, Matrix>
  /** Tensors the graph needs as they are (they may be matrices too: a tied embedding table). */
  readonly whole: ReadonlySet<string>
  readonly metadata: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  /** Numbers of the source converted so far. */
  readonly onProgress?: (progress: { done: number; total: number }) => void
}

/** Smaller matrices stay as they are: they cost nothing and are often the sensitive ones. */
const LEAST_SIDE = 64
/** Numbers read at a time. */
const SLICE = 1 << 20

interface Entry {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly number[]
  readonly bytes: number
}

/** One source tensor's part of the new file. */
interface Piece {
  readonly source: CheckpointTensor
  readonly entries: readonly Entry[]
  write(read: SliceReader, out: (bytes: Uint8Array) => Promise<void>): Promise<void>
}

/** Deterministic: the same checkpoint gives the same bytes on every machine. Throws `E_CANCELLED`, `E_DISK_FULL`, `E_READ_ONLY`. */
export async function convertCheckpoint(checkpoint: Checkpoint, path: string, conversion: Conversion): Promise<void> {
  const pieces = plan(checkpoint, conversion)
  const temporary = `${path}.${process.pid}.part`
  const total = pieces.reduce((sum, { source }) => sum + countOf(source), 0)
  let done = 0
  try {
    await using file = await open(temporary, 'wx')
    const out = (bytes: Uint8Array) => writeAll(file, bytes)
    await out(headerOf(pieces, conversion.metadata))
    for (const piece of pieces) {
      await using source = await open(join(checkpoint.folder, piece.source.file), 'r')
      const read: SliceReader = async (from, count) => {
        if (conversion.signal?.aborted === true) throw new StatePackError('E_CANCELLED', 'Cancelled.')
        await setImmediate()
        const values = await readNumbers(source, piece.source, { from, count })
        done += count
        conversion.onProgress?.({ done, total })
        return values
      }
      await piece.write(read, out)
    }
    await file.sync()
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await rename(temporary, path)
  await using folder = await open(dirname(path), 'r')
  await folder.sync()
}

type SliceReader = (from: number, count: number) => Promise<Float32Array>

function plan(checkpoint: Checkpoint, { precision, matrices, whole }: Conversion): Piece[] {
  const pieces: Piece[] = []
  for (const source of checkpoint.tensors.values()) {
    const matrix = matrices.get(source.name)
    const quantised =
      precision !== 'float16' && matrix !== undefined && Math.min(matrix.inputs, matrix.outputs) >= LEAST_SIDE
    if (quantised) pieces.push(quantisedPiece(source, matrix, precision === 'int8' ? 8 : 4))
    if (whole.has(source.name) || (matrix !== undefined && !quantised)) pieces.push(wholePiece(source, precision))
  }
  return pieces
}

/** float16 for tables and matrices when that is the precision asked for; vectors (norms, biases, decays) stay float32. */
function wholePiece(source: CheckpointTensor, precision: Conversion['precision']): Piece {
  const half = precision === 'float16' ? source.shape.length > 1 : source.dtype !== 'F32' && source.shape.length > 1
  const { name, shape } = source
  const entry = { name, shape, dtype: half ? 'F16' : 'F32', bytes: countOf(source) * (half ? 2 : 4) }
  return {
    source,
    entries: [entry],
    async write(read, out) {
      for (let from = 0; from < countOf(source); from += SLICE) {
        const values = await read(from, Math.min(SLICE, countOf(source) - from))
        await out(bytesOf(half ? new Float16Array(clampToHalf(values)) : values))
      }
    },
  }
}

function quantisedPiece(source: CheckpointTensor, matrix: Matrix, bits: Bits): Piece {
  const { outputs, inputs, layout } = matrix
  const blocks = Math.ceil(inputs / BLOCK)
  const width = (BLOCK * bits) / 8
  return {
    source,
    entries: [
      { name: source.name + CODES, dtype: 'U8', shape: [outputs, blocks, width], bytes: outputs * blocks * width },
      { name: source.name + SCALES, dtype: 'F32', shape: [outputs * blocks], bytes: 4 * outputs * blocks },
    ],
    async write(read, out) {
      const scales = new Float32Array(outputs * blocks)
      const all = layout === 'in-out' ? transpose(await read(0, inputs * outputs), inputs, outputs) : null
      const step = Math.max(1, Math.floor(SLICE / inputs))
      for (let row = 0; row < outputs; row += step) {
        const rows = Math.min(step, outputs - row)
        const values = all?.subarray(row * inputs, (row + rows) * inputs) ?? (await read(row * inputs, rows * inputs))
        const quantised = quantiseRows(values, inputs, bits)
        scales.set(quantised.scales, row * blocks)
        await out(quantised.codes)
      }
      await out(bytesOf(scales))
    },
  }
}

function headerOf(pieces: readonly Piece[], metadata: Readonly<Record<string, string>>): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata }
  let offset = 0
  for (const { name, dtype, shape, bytes } of pieces.flatMap(({ entries }) => entries)) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes] }
    offset += bytes
  }
  const text = JSON.stringify(header)
  const padded = Buffer.from(text.padEnd(text.length + ((64 - ((8 + Buffer.byteLength(text)) % 64)) % 64)))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(padded.length))
  return Buffer.concat([length, padded])
}

/** `count` numbers of a tensor from the `from`th on, widened to float32. */
async function readNumbers(
  file: FileHandle,
  tensor: CheckpointTensor,
  { from, count }: { from: number; count: number },
): Promise<Float32Array> {
  const width = tensor.dtype === 'F32' ? 4 : 2
  const bytes = new Uint8Array(count * width)
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, tensor.offset + from * width + done)
    if (bytesRead === 0) {
      throw new StatePackError('E_MODEL_WEIGHTS', `The weights file ${tensor.file} ended early.`, { file: tensor.file })
    }
    done += bytesRead
  }
  if (tensor.dtype === 'F32') return new Float32Array(bytes.buffer)
  if (tensor.dtype === 'F16') return new Float32Array(new Float16Array(bytes.buffer))
  // bfloat16 is the upper half of a float32.
  const bits = Uint32Array.from(new Uint16Array(bytes.buffer), half => half << 16)
  return new Float32Array(bits.buffer)
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done)).bytesWritten
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

function bytesOf(array: Float32Array | Float16Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}

function countOf(tensor: CheckpointTensor): number {
  return tensor.shape.reduce((a, b) => a * b, 1)
}
