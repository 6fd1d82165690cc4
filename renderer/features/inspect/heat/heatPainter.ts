/**
 * Paints one matrix onto a 2D canvas. Levels become bitmaps once, in tiles, when they first come into view; a frame is
 * then a handful of `drawImage` calls, however many positions the state has.
 */
import type { HeatLevel } from './heatPyramid.ts'
import { levelFor } from './heatPyramid.ts'
import type { HeatFrame, HeatView } from './heatView.ts'

const TILE_COLUMNS = 2048

export interface HeatPainter {
  /** Fills the plot at (left, top) of the canvas, in CSS pixels. */
  paint(
    context: CanvasRenderingContext2D,
    view: HeatView,
    frame: HeatFrame,
    origin: { left: number; top: number },
  ): void
}

function paintTile(level: HeatLevel, tile: number, ramp: Uint32Array, range: { min: number; max: number }) {
  const first = tile * TILE_COLUMNS
  const columns = Math.min(TILE_COLUMNS, level.columns - first)
  const canvas = document.createElement('canvas')
  canvas.width = columns
  canvas.height = level.rows
  const image = new ImageData(columns, level.rows)
  const pixels = new Uint32Array(image.data.buffer)
  const steps = range.max > range.min ? 255 / (range.max - range.min) : 0
  for (let row = 0; row < level.rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const value = level.values[row * level.columns + first + column] ?? 0
      const step = Math.min(255, Math.max(0, Math.round((value - range.min) * steps)))
      pixels[row * columns + column] = ramp[step] ?? 0
    }
  }
  canvas.getContext('2d')?.putImageData(image, 0, 0)
  return canvas
}

export function createHeatPainter(
  levels: readonly HeatLevel[],
  ramp: Uint32Array,
  range: { min: number; max: number },
): HeatPainter {
  const tiles = new Map<string, HTMLCanvasElement>()
  return {
    paint(context, view, frame, origin) {
      const level = levelFor(levels, view.scaleX)
      if (level === undefined) return
      const width = view.scaleX * level.pool
      context.save()
      context.beginPath()
      context.rect(origin.left, origin.top, frame.width, frame.height)
      context.clip()
      context.imageSmoothingEnabled = view.scaleY < 1
      const firstTile = Math.floor(view.x / level.pool / TILE_COLUMNS)
      const lastTile = Math.floor((view.x + frame.width / view.scaleX) / level.pool / TILE_COLUMNS)
      for (let tile = firstTile; tile <= lastTile && tile * TILE_COLUMNS < level.columns; tile += 1) {
        const key = `${level.pool}:${tile}`
        const bitmap = tiles.get(key) ?? paintTile(level, tile, ramp, range)
        tiles.set(key, bitmap)
        context.drawImage(
          bitmap,
          origin.left + tile * TILE_COLUMNS * width - view.x * view.scaleX,
          origin.top - view.y * view.scaleY,
          bitmap.width * width,
          frame.rows * view.scaleY,
        )
      }
      context.restore()
    },
  }
}
