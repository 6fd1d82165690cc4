import type { Matrix } from '../compile/graphWeights.ts'
import type { Bits } from '../compile/quantise.ts'
import type { Precision } from '../model.ts'
import type { Checkpoint, CheckpointTensor } from './checkpoint.ts'
import { BLOCK_LAYOUTS, isQuantised } from './gguf/ggufBlocks.ts'

/** Codes of so many bits, made anew; the 4-bit codes that its file has; null: floating-point numbers. */
export type MatrixForm = Bits | 'stored' | null

/** Smaller matrices stay as they are: they cost nothing and are often the sensitive ones. */
const LEAST_SIDE = 64

/**
 * What each matrix is multiplied as in a precision, by name. Of a file that has 4-bit codes int4 keeps them, since others
 * could only be further from the weights, and gives 8 bits to what its maker gave more than 4.
 */
export function matrixForms(
  { tensors }: Checkpoint,
  matrices: ReadonlyMap<string, Matrix>,
  precision: Precision,
): ReadonlyMap<string, MatrixForm> {
  const found = [...tensors.values()].flatMap(tensor => {
    const matrix = matrices.get(tensor.name)
    return matrix === undefined ? [] : [{ tensor, matrix }]
  })
  const hasCodes = found.some(({ tensor, matrix }) => hasMatrixCodes(tensor, matrix))
  return new Map(
    found.map(({ tensor, matrix }) => {
      const isStored = hasMatrixCodes(tensor, matrix)
      if (precision === 'float32') return [tensor.name, isStored ? 'stored' : null]
      if (precision === 'float16' || Math.min(matrix.inputs, matrix.outputs) < LEAST_SIDE) return [tensor.name, null]
      if (precision === 'int8') return [tensor.name, 8]
      const isFiner = matrix.isHead === true || (hasCodes && isQuantised(tensor.dtype))
      return [tensor.name, isStored ? 'stored' : isFiner ? 8 : 4]
    }),
  )
}

/** Whether a tensor's codes can be multiplied with as they are. */
export function hasMatrixCodes({ dtype }: CheckpointTensor, matrix: Matrix | undefined): boolean {
  return BLOCK_LAYOUTS[dtype]?.bits === 4 && matrix?.layout === 'out-in'
}
