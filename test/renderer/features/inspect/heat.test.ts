import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { colourScale, parseHex } from '../../../../renderer/features/inspect/heat/colourScale.ts'
import { heatPyramid, levelFor } from '../../../../renderer/features/inspect/heat/heatPyramid.ts'
import {
  cellAt,
  clampView,
  fitView,
  moveCell,
  panView,
  reframe,
  revealCell,
  zoomView,
} from '../../../../renderer/features/inspect/heat/heatView.ts'

const matrix = fc
  .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 300 }))
  .chain(([rows, columns]) =>
    fc
      .array(fc.float({ noNaN: true, min: -100, max: 100 }), { minLength: rows * columns, maxLength: rows * columns })
      .map(values => ({ rows, columns, values: Float32Array.from(values) })),
  )

describe('heatPyramid', () => {
  test('every pooled cell is the maximum of exactly the cells it stands for', () => {
    fc.assert(
      fc.property(matrix, m => {
        for (const level of heatPyramid(m, 4)) {
          for (let row = 0; row < m.rows; row += 1) {
            for (let column = 0; column < level.columns; column += 1) {
              const from = row * m.columns + column * level.pool
              const to = row * m.columns + Math.min(m.columns, (column + 1) * level.pool)
              expect(level.values[row * level.columns + column]).toBe(Math.max(...m.values.subarray(from, to)))
            }
          }
        }
      }),
      { numRuns: 25 },
    )
  })

  test('takes the full matrix when a column is a pixel or more, a coarser one below', () => {
    const levels = heatPyramid({ rows: 1, columns: 8192, values: new Float32Array(8192) })
    expect(levelFor(levels, 3)?.pool).toBe(1)
    expect(levelFor(levels, 0.25)?.pool).toBe(4)
  })
})

const frame = { width: 600, height: 200, rows: 24, columns: 10_000 }

describe('heatView', () => {
  test('no sequence of zooms and pans leaves the matrix', () => {
    const step = fc.tuple(
      fc.float({ min: Math.fround(0.2), max: 5, noNaN: true }),
      fc.nat(600),
      fc.nat(200),
      fc.integer({ min: -9999, max: 9999 }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), steps => {
        let view = fitView(frame)
        for (const [factor, x, y, pan] of steps)
          view = panView(zoomView(view, frame, factor, { x, y }), frame, pan, pan)
        expect(view.x).toBeGreaterThanOrEqual(0)
        expect(view.x + frame.width / view.scaleX).toBeLessThanOrEqual(frame.columns + 1e-6)
        expect(view.y + frame.height / view.scaleY).toBeLessThanOrEqual(frame.rows + 1e-6)
      }),
    )
  })

  test('the column under the pointer stays there while zooming in', () => {
    const near = zoomView(fitView(frame), frame, 40, { x: 300, y: 100 })
    expect(cellAt(near, frame, { x: 300, y: 100 })?.column).toBe(5000)
    expect(cellAt(fitView(frame), frame, { x: 601, y: 0 })).toBeNull()
  })

  test('keys move inside the matrix only, and the view follows the cursor', () => {
    expect(moveCell({ row: 0, column: 0 }, 'ArrowLeft', frame, 10)).toEqual({ row: 0, column: 0 })
    expect(moveCell({ row: 3, column: 5 }, 'End', frame, 10)).toEqual({ row: 3, column: 9999 })
    expect(moveCell({ row: 3, column: 5 }, 'q', frame, 10)).toBeNull()
    const near = clampView({ scaleX: 10, scaleY: 10, x: 0, y: 0 }, frame)
    const shown = revealCell(near, frame, { row: 20, column: 9999 })
    expect(shown.x).toBeCloseTo(10_000 - 60)
  })
})

describe('colourScale', () => {
  test('ends exactly at both colours, opaque throughout', () => {
    const ramp = colourScale('#efede8', '#0f7a6c')
    const hex = (value = 0) =>
      `#${[value & 255, (value >> 8) & 255, (value >> 16) & 255].map(b => b.toString(16).padStart(2, '0')).join('')}`
    expect(hex(ramp[0])).toBe('#efede8')
    expect(hex(ramp[255])).toBe('#0f7a6c')
    expect(ramp.every(value => value >>> 24 === 255)).toBe(true)
    expect(parseHex('rebeccapurple')).toEqual([0.5, 0.5, 0.5])
  })
})

test('what was wholly in sight stays so when its frame becomes smaller or larger, and what was zoomed stays zoomed', () => {
  const frame = (width: number, height: number) => ({ width, height, rows: 16, columns: 291 })
  const large = frame(550, 288)
  for (const other of [frame(410, 200), frame(900, 440)]) {
    expect(reframe(fitView(large), large, other)).toEqual(fitView(other))
    const near = zoomView(fitView(large), large, 4, { x: 200, y: 100 })
    expect(reframe(near, large, other)).toEqual(clampView(near, other))
  }
})
