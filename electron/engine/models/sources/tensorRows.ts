/** The rows of a checkpoint's tensor, as they are stored or as float32, in the order the compiler means. */
import { join } from 'node:path'
import { StatePackError } from '#shared/domain/error.ts'
import type { Arrangement, Checkpoint, CheckpointTensor } from './checkpoint.ts'
import { BLOCK_LAYOUTS, unpackRows, weightsOf } from './gguf/ggufBlocks.ts'
import { openModelFile } from './modelFile.ts'

export interface TensorRows extends AsyncDisposable {
  /** The outermost dimension, and the numbers in each of its rows. */
  readonly rows: number
  readonly width: number
  /** `count` rows from the `from`th on, as stored but in the compiler's order. */
  bytes(from: number, count: number): Promise<Uint8Array>
  /** The same as float32, `[count, width]`. */
  numbers(from: number, count: number): Promise<Float32Array>
}

/** Both readings throw `E_MODEL_WEIGHTS` when the file ends early. */
export async function openTensorRows(checkpoint: Checkpoint, tensor: CheckpointTensor): Promise<TensorRows> {
  const file = await openModelFile(join(checkpoint.folder, tensor.file), 'E_MODEL_WEIGHTS')
  const [rows = 1, ...inner] = tensor.shape
  const width = inner.reduce((a, b) => a * b, 1)
  const size = tensor.length / rows

  async function read(from: number, count: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(count * size)
    for (let done = 0; done < bytes.length; ) {
      const at = tensor.offset + from * size + done
      const { bytesRead } = await file.read(bytes, done, bytes.length - done, at)
      if (bytesRead === 0) {
        throw new StatePackError('E_MODEL_WEIGHTS', `The weights file ${tensor.file} ended early.`, {
          file: tensor.file,
        })
      }
      done += bytesRead
    }
    return bytes
  }

  async function bytes(from: number, count: number): Promise<Uint8Array> {
    const { arrangement } = tensor
    if (arrangement?.kind !== 'interleaved') return read(from, count)
    // Rows move within their head only: whole heads are read.
    const head = rows / arrangement.heads
    const first = Math.floor(from / head) * head
    const around = await read(first, Math.ceil((from + count) / head) * head - first)
    const ordered = new Uint8Array(count * size)
    for (let row = from; row < from + count; row++) {
      const at = (storedRow(row, head) - first) * size
      ordered.set(around.subarray(at, at + size), (row - from) * size)
    }
    return ordered
  }

  return {
    ...{ rows, width, bytes },
    numbers: async (from, count) => arranged(widen(tensor, await bytes(from, count)), tensor.arrangement),
    [Symbol.asyncDispose]: () => file.close(),
  }
}

/** Where an interleaved head keeps what the halved layout has in `row`. */
function storedRow(row: number, head: number): number {
  const within = row % head
  const half = head / 2
  return row - within + (within < half ? 2 * within : 2 * (within - half) + 1)
}

function arranged(values: Float32Array, arrangement: Arrangement | undefined): Float32Array {
  if (arrangement?.kind === 'negative-exponential') return values.map(value => Math.log(-value))
  if (arrangement?.kind === 'one-added') return values.map(value => value - 1)
  return values
}

function widen({ dtype }: CheckpointTensor, bytes: Uint8Array): Float32Array {
  const layout = BLOCK_LAYOUTS[dtype]
  if (layout !== undefined) return weightsOf(layout, unpackRows(layout, bytes))
  if (dtype === 'F32') return new Float32Array(bytes.buffer)
  if (dtype === 'F16') return new Float32Array(new Float16Array(bytes.buffer))
  // bfloat16 is the upper half of a float32.
  const bits = Uint32Array.from(new Uint16Array(bytes.buffer), half => half << 16)
  return new Float32Array(bits.buffer)
}
