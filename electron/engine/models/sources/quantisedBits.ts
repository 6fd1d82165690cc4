import type { Matrix } from '../compile/graphWeights.ts'
import type { Bits } from '../compile/quantise.ts'
import type { Precision } from '../model.ts'

/** Smaller matrices stay as they are: they cost nothing and are often the sensitive ones. */
const LEAST_SIDE = 64

/** How many bits a precision gives each weight of a matrix; null: it is not quantised. */
export function quantisedBits({ inputs, outputs, isHead }: Matrix, precision: Precision): Bits | null {
  if (precision === 'float32' || precision === 'float16' || Math.min(inputs, outputs) < LEAST_SIDE) return null
  return precision === 'int8' || isHead === true ? 8 : 4
}
