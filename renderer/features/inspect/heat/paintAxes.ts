/** Everything on a heat map that is not data: labels, separating lines, the cursor and the hovered cell. */
import { formatCount } from '../../../ui/format.ts'
import type { HeatCell, HeatFrame, HeatView } from './heatView.ts'

interface Axes {
  readonly view: HeatView
  readonly frame: HeatFrame
  readonly left: number
  readonly colours: Readonly<Record<'line' | 'muted' | 'text' | 'accent' | 'surface', string>>
  readonly rowLabels: readonly string[]
  readonly group: number
  readonly columnName: string
  readonly cell: HeatCell
  readonly hover: HeatCell | null
}

/** 1, 2, 5, 10, 20 … : the smallest step whose labels do not touch. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)))
  return [1, 2, 5, 10].map(m => m * power).find(step => step >= least) ?? 10 * power
}

function paintGrid(context: CanvasRenderingContext2D, { view, frame, left, colours, group }: Axes): void {
  context.fillStyle = colours.surface
  const lastRow = Math.ceil(view.y + frame.height / view.scaleY)
  for (let row = Math.ceil(view.y); row <= lastRow; row += 1) {
    if (row === 0 || (view.scaleY < 6 && row % group !== 0)) continue
    context.fillRect(
      left,
      Math.round((row - view.y) * view.scaleY),
      frame.width,
      group > 1 && row % group === 0 ? 2 : 1,
    )
  }
  if (view.scaleX < 6) return
  const lastColumn = Math.ceil(view.x + frame.width / view.scaleX)
  for (let column = Math.ceil(view.x); column <= lastColumn; column += 1) {
    context.fillRect(left + Math.round((column - view.x) * view.scaleX), 0, 1, frame.height)
  }
}

function paintLabels(
  context: CanvasRenderingContext2D,
  { view, frame, left, colours, rowLabels, group, columnName }: Axes,
): void {
  context.fillStyle = colours.muted
  context.font = '11px "Inter Variable", Inter, system-ui, sans-serif'
  context.textBaseline = 'middle'
  context.textAlign = 'right'
  const every =
    group > 1 && view.scaleY < 13 ? group * niceStep(13 / (view.scaleY * group)) : niceStep(13 / view.scaleY)
  const first = Math.floor(view.y)
  const last = Math.min(frame.rows - 1, Math.ceil(view.y + frame.height / view.scaleY))
  for (let row = first; row <= last; row += 1) {
    const y = (row + 0.5 - view.y) * view.scaleY
    if (row % every === 0 && y > 3 && y < frame.height - 2) context.fillText(rowLabels[row] ?? String(row), left - 8, y)
  }
  context.textAlign = 'center'
  const step = niceStep(64 / view.scaleX)
  const lastColumn = Math.min(frame.columns - 1, Math.floor(view.x + frame.width / view.scaleX))
  for (let column = Math.ceil(view.x / step) * step; column <= lastColumn; column += step) {
    const x = left + (column + 0.5 - view.x) * view.scaleX
    const text = formatCount(column)
    const half = context.measureText(text).width / 2
    context.fillText(text, Math.min(Math.max(x, left + half), left + frame.width - half), frame.height + 11)
  }
  context.fillText(columnName, left + frame.width / 2, frame.height + 26)
}

function outline(context: CanvasRenderingContext2D, axes: Axes, cell: HeatCell, colour: string, line: number): void {
  const { view, frame, left } = axes
  const x = left + (cell.column - view.x) * view.scaleX
  const y = (cell.row - view.y) * view.scaleY
  if (x + view.scaleX < left || x > left + frame.width || y + view.scaleY < 0 || y > frame.height) return
  context.strokeStyle = colour
  context.lineWidth = line
  const width = Math.max(5, view.scaleX)
  const height = Math.max(5, view.scaleY)
  context.strokeRect(x + view.scaleX / 2 - width / 2, y + view.scaleY / 2 - height / 2, width, height)
}

export function paintAxes(context: CanvasRenderingContext2D, axes: Axes): void {
  paintGrid(context, axes)
  paintLabels(context, axes)
  if (axes.hover !== null) outline(context, axes, axes.hover, axes.colours.text, 1)
  outline(context, axes, axes.cell, axes.colours.surface, 4)
  outline(context, axes, axes.cell, axes.colours.accent, 2)
}
