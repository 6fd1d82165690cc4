/**
 * One matrix at several widths, so that a state of any length is drawn from about as many columns as there are pixels.
 * Level k pools 2^k columns by their maximum: a single strong position stays visible however far one zooms out.
 */
export interface HeatMatrix {
  readonly rows: number
  readonly columns: number
  /** `[rows, columns]`, row-major. */
  readonly values: Float32Array
}

export interface HeatLevel extends HeatMatrix {
  /** Columns of the full matrix behind one column of this level. */
  readonly pool: number
}

function halve(level: HeatLevel): HeatLevel {
  const columns = Math.ceil(level.columns / 2)
  const values = new Float32Array(level.rows * columns)
  for (let row = 0; row < level.rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const at = row * level.columns + column * 2
      const left = level.values[at] ?? 0
      const right = column * 2 + 1 < level.columns ? (level.values[at + 1] ?? 0) : left
      values[row * columns + column] = Math.max(left, right)
    }
  }
  return { rows: level.rows, columns, values, pool: level.pool * 2 }
}

/** All levels, finest first, down to at most `smallest` columns. */
export function heatPyramid(matrix: HeatMatrix, smallest = 256): readonly HeatLevel[] {
  const levels: HeatLevel[] = [{ ...matrix, pool: 1 }]
  for (let level = levels[0]; level !== undefined && level.columns > smallest; level = levels.at(-1)) {
    levels.push(halve(level))
  }
  return levels
}

/** The coarsest level whose columns are still no wider than a pixel, given the width of one full column in pixels. */
export function levelFor(levels: readonly HeatLevel[], pixelsPerColumn: number): HeatLevel | undefined {
  let best = levels[0]
  for (const level of levels) if (level.pool * pixelsPerColumn <= 1) best = level
  return best
}
