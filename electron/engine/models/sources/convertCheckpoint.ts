/** Writes a checkpoint's weights in another form: one file, streamed, appearing under its name only when complete. */
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { StatePackError } from '#shared/domain/error.ts'
import type { Matrix } from '../compile/graphWeights.ts'
import type { Checkpoint, CheckpointTensor } from './checkpoint.ts'
import { type Piece, quantisedPiece, wholePiece } from './conversionPieces.ts'
import { matrixForms } from './matrixForms.ts'
import { packedPieces } from './packedPieces.ts'
import type { ConvertedForm } from './precision.ts'
import { openTensorRows } from './tensorRows.ts'

export interface Conversion {
  readonly form: ConvertedForm
  readonly matrices: ReadonlyMap<string, Matrix>
  /** Tensors the graph needs as they are (they may be matrices too: a tied embedding table). */
  readonly whole: ReadonlySet<string>
  readonly metadata: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  /** Numbers of the source converted so far. */
  readonly onProgress?: (progress: { done: number; total: number }) => void
}

/** Deterministic: the same checkpoint gives the same bytes on every machine. Throws `E_CANCELLED`, `E_DISK_FULL`, `E_READ_ONLY`. */
export async function convertCheckpoint(checkpoint: Checkpoint, path: string, conversion: Conversion): Promise<void> {
  const { pieces, header } = layOut(checkpoint, conversion)
  const temporary = `${path}.${process.pid}.part`
  const total = pieces.reduce((sum, { source }) => sum + countOf(source), 0)
  let done = 0
  try {
    await using file = await open(temporary, 'wx')
    const out = (bytes: Uint8Array) => writeAll(file, bytes)
    await out(header)
    for (const piece of pieces) {
      await using source = await openTensorRows(checkpoint, piece.source)
      const counted = async <T>(count: number, read: Promise<T>): Promise<T> => {
        if (conversion.signal?.aborted === true) throw new StatePackError('E_CANCELLED', 'Cancelled.')
        await setImmediate()
        done += count * source.width
        conversion.onProgress?.({ done, total })
        return read
      }
      const rows = {
        ...source,
        bytes: (from: number, count: number) => counted(count, source.bytes(from, count)),
        numbers: (from: number, count: number) => counted(count, source.numbers(from, count)),
      }
      await piece.write(rows, out)
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

/** What the converted file will be: its header, and where its tensors will lie in the file called `file`. */
export function layOut(
  checkpoint: Checkpoint,
  conversion: Omit<Conversion, 'signal' | 'onProgress'>,
  file = '',
): { pieces: readonly Piece[]; header: Uint8Array; tensors: ReadonlyMap<string, CheckpointTensor> } {
  const pieces = plan(checkpoint, conversion)
  const header = headerOf(pieces, conversion.metadata)
  const tensors = new Map<string, CheckpointTensor>()
  let offset = header.length
  for (const { name, dtype, shape, bytes: length } of pieces.flatMap(({ entries }) => entries)) {
    tensors.set(name, { name, dtype, shape, file, offset, length })
    offset += length
  }
  return { pieces, header, tensors }
}

function plan(checkpoint: Checkpoint, { form, matrices, whole }: Omit<Conversion, 'metadata'>): Piece[] {
  const pieces: Piece[] = []
  const forms = form === 'packed' ? new Map() : matrixForms(checkpoint, matrices, form)
  for (const source of checkpoint.tensors.values()) {
    const matrix = matrices.get(source.name)
    const isWhole = whole.has(source.name)
    if (form === 'packed') {
      if (isWhole || matrix !== undefined) pieces.push(...packedPieces(source, { matrix, isWhole }))
      continue
    }
    const own = forms.get(source.name) ?? null
    if (own === 'stored') pieces.push(...packedPieces(source, { matrix, isWhole: false }))
    else if (matrix !== undefined && own !== null) pieces.push(quantisedPiece(source, matrix, own))
    if (isWhole || (matrix !== undefined && own === null)) pieces.push(wholePiece(source, form))
  }
  return pieces
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

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done)).bytesWritten
}

function countOf(tensor: CheckpointTensor): number {
  return tensor.shape.reduce((a, b) => a * b, 1)
}
