import { GOLDEN_LIMIT, type GoldenLine } from './goldenLine.ts'
import { compareWithGolden, tensorOf } from './goldenModel.ts'

/** A checkpoint case: float32, against the reference implementation's logits and cache. */
export function runCheckpointCase(folder: string): Promise<GoldenLine> {
  return compareWithGolden(folder, async golden => ({ logits: tensorOf(golden, 'logits'), limit: GOLDEN_LIMIT }))
}
