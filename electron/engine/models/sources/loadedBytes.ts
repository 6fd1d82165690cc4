import type { GraphWeights } from '../compile/graphWeights.ts'
import { BLOCKS } from '../compile/quantise.ts'
import type { Precision } from '../model.ts'
import type { Checkpoint, CheckpointTensor } from './checkpoint.ts'
import { BLOCK_LAYOUTS } from './gguf/ggufBlocks.ts'
import { type MatrixForm, matrixForms } from './matrixForms.ts'

/** Of a float32 number, of a scale and of an offset. */
const FLOAT = 4

/**
 * Bytes that weights take once the processor has loaded them in a precision: what is multiplied, in the form it is multiplied
 * in (float32, or codes with their scales); tables that are looked up, as they are stored. A table that is both is there twice.
 */
export function loadedBytes(
  checkpoint: Checkpoint,
  { matrices, whole }: Pick<GraphWeights, 'matrices' | 'whole'>,
  precision: Precision,
): number {
  const forms = matrixForms(checkpoint, matrices, precision)
  let bytes = 0
  for (const tensor of checkpoint.tensors.values()) {
    const count = tensor.shape.reduce((a, b) => a * b, 1)
    const form = forms.get(tensor.name)
    if (form !== undefined) bytes += count * matrixPerWeight(tensor, form)
    if (!whole.has(tensor.name)) continue
    const isTable = tensor.shape.length > 1
    bytes += count * (isTable ? tablePerWeight(tensor, { precision, isMatrix: form !== undefined }) : FLOAT)
  }
  return Math.ceil(bytes)
}

function matrixPerWeight(tensor: CheckpointTensor, form: MatrixForm): number {
  if (form === null) return FLOAT
  return form === 'stored' ? (packedPerWeight(tensor, 4) ?? FLOAT) : form / 8 + FLOAT / BLOCKS[form]
}

/** A quantised GGUF tensor's codes with their scales and offsets, where its codes have so many bits. */
function packedPerWeight({ dtype }: CheckpointTensor, bits: 4 | 8): number | null {
  const layout = BLOCK_LAYOUTS[dtype]
  if (layout === undefined || layout.bits > bits) return null
  return bits / 8 + (FLOAT * (layout.hasOffsets ? 2 : 1)) / layout.group
}

function tablePerWeight(
  tensor: CheckpointTensor,
  { precision, isMatrix }: { precision: Precision; isMatrix: boolean },
): number {
  const stored = tensor.dtype !== 'F32' || precision === 'float16' ? FLOAT / 2 : FLOAT
  if (precision !== 'float32' || BLOCK_LAYOUTS[tensor.dtype] === undefined) return stored
  // A matrix of 8-bit codes is float32 in the file beside the model, and looked up there.
  return isMatrix && packedPerWeight(tensor, 4) === null ? FLOAT : (packedPerWeight(tensor, 8) ?? FLOAT)
}
