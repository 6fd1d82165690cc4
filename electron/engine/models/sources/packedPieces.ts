/** A GGUF file's tensors rewritten for ONNX Runtime: the same codes in another order, scales and offsets as float32. */
import type { Matrix } from '../compile/graphWeights.ts'
import { CODES4, CODES8, PACKED_OFFSETS, PACKED_SCALES } from '../compile/packedTensor.ts'
import type { Checkpoint, CheckpointTensor, PackedParts } from './checkpoint.ts'
import { bytesOf, type Piece, type PieceEntry, rowSteps } from './conversionPieces.ts'
import { BLOCK_LAYOUTS, type BlockLayout, unpackRows } from './gguf/ggufBlocks.ts'
import { hasMatrixCodes } from './matrixForms.ts'

/** Between a centre of 8 and one of 128. */
const FROM_4_TO_8_BITS = 120

/**
 * `matrix`: the graph multiplies with it; `isWhole`: it is looked up or used as it is. 4-bit codes that are needed both ways
 * are written both ways. A matrix of 8-bit codes is written as float32: ONNX Runtime's exact product of such codes takes ten
 * times as long, and widening them in the graph takes several times their memory while they are loaded, each time.
 */
export function packedPieces(
  source: CheckpointTensor,
  { matrix, isWhole }: { matrix: Matrix | undefined; isWhole: boolean },
): Piece[] {
  const layout = BLOCK_LAYOUTS[source.dtype]
  if (layout === undefined) return [copiedPiece(source)]
  const four = hasMatrixCodes(source, matrix)
  if (matrix !== undefined && !four) return [floatPiece(source)]
  return [
    ...(four ? [codesPiece(source, layout, 4)] : []),
    ...(isWhole ? [codesPiece(source, layout, 8)] : []),
    scalesPiece(source, layout),
  ]
}

/** As it is; what its file keeps in another sense becomes float32. */
function copiedPiece(source: CheckpointTensor): Piece {
  const { name, shape, dtype, length, arrangement } = source
  if (arrangement?.kind === 'negative-exponential' || arrangement?.kind === 'one-added') return floatPiece(source)
  return {
    source,
    entries: [{ name, shape, dtype, bytes: length }],
    async write(rows, out) {
      for (const [from, some] of rowSteps(rows.rows, rows.width)) await out(await rows.bytes(from, some))
    },
  }
}

/** Widened. */
function floatPiece(source: CheckpointTensor): Piece {
  const { name, shape } = source
  return {
    source,
    entries: [{ name, shape, dtype: 'F32', bytes: 4 * shape.reduce((a, b) => a * b, 1) }],
    async write(rows, out) {
      for (const [from, some] of rowSteps(rows.rows, rows.width)) await out(bytesOf(await rows.numbers(from, some)))
    },
  }
}

function codesPiece(source: CheckpointTensor, layout: BlockLayout, bits: 4 | 8): Piece {
  const [rows = 1, width = 1] = source.shape
  const shape = [rows, width / layout.group, (layout.group * bits) / 8]
  const entry = {
    name: source.name + (bits === 4 ? CODES4 : CODES8),
    dtype: 'U8',
    shape,
    bytes: (rows * width * bits) / 8,
  }
  return {
    source,
    entries: [entry],
    async write(reader, out) {
      for (const [from, count] of rowSteps(rows, width)) {
        const { codes } = unpackRows(layout, await reader.bytes(from, count))
        await out(bits === 4 ? pairs(codes) : layout.bits === 8 ? codes : codes.map(code => code + FROM_4_TO_8_BITS))
      }
    },
  }
}

function scalesPiece(source: CheckpointTensor, layout: BlockLayout): Piece {
  const [rows = 1, width = 1] = source.shape
  const shape = [rows, width / layout.group]
  const entry = (suffix: string): PieceEntry => ({
    ...{ name: source.name + suffix, dtype: 'F32', shape },
    bytes: (4 * rows * width) / layout.group,
  })
  return {
    source,
    entries: [entry(PACKED_SCALES), ...(layout.hasOffsets ? [entry(PACKED_OFFSETS)] : [])],
    async write(reader, out) {
      const offsets: Float32Array[] = []
      for (const [from, count] of rowSteps(rows, width)) {
        const unpacked = unpackRows(layout, await reader.bytes(from, count))
        if (unpacked.offsets !== null) offsets.push(unpacked.offsets)
        await out(bytesOf(unpacked.scales))
      }
      for (const some of offsets) await out(bytesOf(some))
    },
  }
}

/** Two codes a byte, the first in the lower bits. */
function pairs(codes: Uint8Array): Uint8Array {
  const packed = new Uint8Array(codes.length / 2)
  for (let i = 0; i < packed.length; i++) packed[i] = (codes[2 * i] ?? 0) | ((codes[2 * i + 1] ?? 0) << 4)
  return packed
}

/** The tensors of a packed file under the names that the source calls them by. */
export function joinPacked(packed: Checkpoint, source: Checkpoint): Checkpoint {
  const tensors = new Map<string, CheckpointTensor>()
  for (const { name, shape, dtype, arrangement } of source.tensors.values()) {
    // Rows are written in order; the matrix lies as it did.
    const turned = arrangement?.kind === 'turned' ? { arrangement } : {}
    const own = packed.tensors.get(name)
    const scales = packed.tensors.get(name + PACKED_SCALES)
    const group = BLOCK_LAYOUTS[dtype]?.group
    if (own !== undefined) tensors.set(name, { ...own, ...turned })
    if (scales === undefined || group === undefined) continue
    const parts: PackedParts = {
      ...{ group, scales },
      codes4: packed.tensors.get(name + CODES4) ?? null,
      codes8: packed.tensors.get(name + CODES8) ?? null,
      offsets: packed.tensors.get(name + PACKED_OFFSETS) ?? null,
    }
    const codes = parts.codes4 ?? parts.codes8
    if (codes !== null) tensors.set(name, { ...codes, name, shape, packed: parts, ...turned })
  }
  return { ...packed, tensors }
}
