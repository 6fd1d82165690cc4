import { kvLayersOf } from '#engine/inference/layers.ts'
import { findExports } from '#engine/models/sources/export/exportFiles.ts'
import { GOLDEN_LIMIT, type GoldenLine } from './goldenLine.ts'
import { compareWithGolden, tensorOf } from './goldenModel.ts'
import { runRawExport } from './rawExport.ts'

/** Of quantised exports, from ONNX Runtime's own logits on this machine: one pass takes other kernels than many. */
const QUANTISED_LIMIT = 2e-2

/**
 * An ONNX export case. A float32 export is held to the reference implementation; a quantised one, which differs from that by
 * its own rounding and from processor to processor, to what ONNX Runtime makes of the same file on this machine.
 */
export function runExportCase(folder: string): Promise<GoldenLine> {
  return compareWithGolden(folder, async (golden, model) => {
    if (model.fingerprint.precision === 'float32') {
      const exact = golden.has('logits') ? 'logits' : 'logits_reference_float32'
      return { logits: tensorOf(golden, exact), limit: GOLDEN_LIMIT }
    }
    const [file] = await findExports(folder)
    const [layer] = kvLayersOf(model.geometry)
    if (file === undefined || layer === undefined)
      throw new Error('A quantised case needs an export with keys and values.')
    const logits = await runRawExport(file.path, tensorOf(golden, 'tokens').data, layer)
    return { logits, limit: QUANTISED_LIMIT }
  })
}
