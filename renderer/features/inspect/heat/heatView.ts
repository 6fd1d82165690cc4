/** What part of a matrix a heat map shows, and the arithmetic of panning and zooming. All lengths are CSS pixels. */
export interface HeatView {
  /** Pixels per column and per row. */
  readonly scaleX: number
  readonly scaleY: number
  /** Matrix coordinates (columns, rows) at the plot's upper left corner. */
  readonly x: number
  readonly y: number
}

export interface HeatFrame {
  readonly width: number
  readonly height: number
  readonly rows: number
  readonly columns: number
}

export interface HeatCell {
  readonly row: number
  readonly column: number
}

const WIDEST_COLUMN = 36
const TALLEST_ROW = 30

const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), Math.max(low, high))

/** The whole matrix in the frame. */
export function fitView(frame: HeatFrame): HeatView {
  return {
    scaleX: frame.width / Math.max(1, frame.columns),
    scaleY: frame.height / Math.max(1, frame.rows),
    x: 0,
    y: 0,
  }
}

/** The view after its frame became another: what was wholly in sight stays so. */
export function reframe(view: HeatView, from: HeatFrame, to: HeatFrame): HeatView {
  const fit = fitView(from)
  const next = fitView(to)
  return clampView(
    {
      ...view,
      scaleX: view.scaleX <= fit.scaleX ? next.scaleX : view.scaleX,
      scaleY: view.scaleY <= fit.scaleY ? next.scaleY : view.scaleY,
    },
    to,
  )
}

/** The nearest view that shows no emptiness: never smaller than the fit, never past an edge. */
export function clampView(view: HeatView, frame: HeatFrame): HeatView {
  const fit = fitView(frame)
  const scaleX = clamp(view.scaleX, fit.scaleX, Math.max(WIDEST_COLUMN, fit.scaleX))
  const scaleY = clamp(view.scaleY, fit.scaleY, Math.max(TALLEST_ROW, fit.scaleY))
  return {
    scaleX,
    scaleY,
    x: clamp(view.x, 0, frame.columns - frame.width / scaleX),
    y: clamp(view.y, 0, frame.rows - frame.height / scaleY),
  }
}

export function panView(view: HeatView, frame: HeatFrame, dx: number, dy: number): HeatView {
  return clampView({ ...view, x: view.x - dx / view.scaleX, y: view.y - dy / view.scaleY }, frame)
}

/** Zooms by `factor` around a point of the plot, which stays where it is. Rows follow only where the frame cuts them off. */
export function zoomView(view: HeatView, frame: HeatFrame, factor: number, at: { x: number; y: number }): HeatView {
  const scaled = clampView({ ...view, scaleX: view.scaleX * factor, scaleY: view.scaleY * factor ** 0.35 }, frame)
  return clampView(
    {
      ...scaled,
      x: view.x + at.x / view.scaleX - at.x / scaled.scaleX,
      y: view.y + at.y / view.scaleY - at.y / scaled.scaleY,
    },
    frame,
  )
}

/** The cell under a point of the plot, or null outside the matrix. */
export function cellAt(view: HeatView, frame: HeatFrame, point: { x: number; y: number }): HeatCell | null {
  if (point.x < 0 || point.y < 0 || point.x >= frame.width || point.y >= frame.height) return null
  const column = Math.floor(view.x + point.x / view.scaleX)
  const row = Math.floor(view.y + point.y / view.scaleY)
  return row >= 0 && row < frame.rows && column >= 0 && column < frame.columns ? { row, column } : null
}

/** Moves the view just enough to show `cell`. */
export function revealCell(view: HeatView, frame: HeatFrame, cell: HeatCell): HeatView {
  const shownColumns = frame.width / view.scaleX
  const shownRows = frame.height / view.scaleY
  return clampView(
    {
      ...view,
      x: clamp(view.x, cell.column + 1 - shownColumns, cell.column),
      y: clamp(view.y, cell.row + 1 - shownRows, cell.row),
    },
    frame,
  )
}

/** Where the arrow and paging keys move the cursor; null for a key that is not ours. */
export function moveCell(cell: HeatCell, key: string, frame: HeatFrame, page: number): HeatCell | null {
  const lastRow = frame.rows - 1
  const lastColumn = frame.columns - 1
  const to = (row: number, column: number): HeatCell => ({
    row: clamp(row, 0, lastRow),
    column: clamp(column, 0, lastColumn),
  })
  switch (key) {
    case 'ArrowLeft':
      return to(cell.row, cell.column - 1)
    case 'ArrowRight':
      return to(cell.row, cell.column + 1)
    case 'ArrowUp':
      return to(cell.row - 1, cell.column)
    case 'ArrowDown':
      return to(cell.row + 1, cell.column)
    case 'PageUp':
      return to(cell.row, cell.column - page)
    case 'PageDown':
      return to(cell.row, cell.column + page)
    case 'Home':
      return to(cell.row, 0)
    case 'End':
      return to(cell.row, lastColumn)
    default:
      return null
  }
}
