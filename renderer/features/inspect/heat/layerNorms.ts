import type { HeatMatrix } from './heatPyramid.ts'
import type { HeatRow } from './rowsOf.ts'

export interface LayerNorm {
  readonly layer: number
  /** Euclidean norm of everything the layer stores: root of the summed squares of its cells' norms. */
  readonly norm: number
  readonly max: number
}

/** One figure per layer from the norms of its cells. Exact, because squared norms of parts add up. */
export function layerNorms(matrix: HeatMatrix, rows: readonly HeatRow[]): readonly LayerNorm[] {
  const sums = new Map<number, { squares: number; max: number }>()
  for (let row = 0; row < matrix.rows; row += 1) {
    const layer = rows[row]?.layer ?? row
    const sum = sums.get(layer) ?? { squares: 0, max: 0 }
    for (let column = 0; column < matrix.columns; column += 1) {
      const value = matrix.values[row * matrix.columns + column] ?? 0
      sum.squares += value * value
      if (value > sum.max) sum.max = value
    }
    sums.set(layer, sum)
  }
  return [...sums].map(([layer, { squares, max }]) => ({ layer, norm: Math.sqrt(squares), max }))
}
