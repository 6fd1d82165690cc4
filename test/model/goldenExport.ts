import { GOLDEN_LIMIT, type GoldenLine } from './goldenLine.ts'
import { compareWithGolden } from './goldenModel.ts'

/** Of quantised exports, from ONNX Runtime's own logits. */
const QUANTISED_LIMIT = 2e-2

/**
 * An ONNX export case. A float32 export is held to the reference implementation; a quantised one, which differs from that
 * by its own rounding, to what ONNX Runtime makes of the same file.
 */
export function runExportCase(folder: string): Promise<GoldenLine> {
  return compareWithGolden(folder, (golden, model) => {
    const exact = golden.has('logits') ? 'logits' : 'logits_reference_float32'
    const quantised = model.fingerprint.precision !== 'float32' && golden.has('logits_onnxruntime')
    return quantised ? { logits: 'logits_onnxruntime', limit: QUANTISED_LIMIT } : { logits: exact, limit: GOLDEN_LIMIT }
  })
}
