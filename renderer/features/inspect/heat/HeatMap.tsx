/**
 * A heat map on canvas: drag to pan, wheel or + and - to zoom, arrow keys move a cursor, Enter opens the cell behind it.
 * View and pointer live outside React state, so a frame costs one paint and no render.
 */
import {
  type KeyboardEvent,
  type ReactNode,
  type Ref,
  useCallback,
  useEffect,
  useId,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react'
import { colourScale } from './colourScale.ts'
import './heat.css'
import { createHeatPainter } from './heatPainter.ts'
import { heatPyramid } from './heatPyramid.ts'
import {
  cellAt,
  fitView,
  type HeatCell,
  type HeatFrame,
  type HeatView,
  moveCell,
  panView,
  reframe,
  revealCell,
  zoomView,
} from './heatView.ts'
import { paintAxes } from './paintAxes.ts'
import { useElementWidth } from './useElementWidth.ts'
import { useThemeColours } from './useThemeColours.ts'

export interface HeatData {
  readonly rows: number
  readonly columns: number
  readonly values: Float32Array
  readonly rowLabels: readonly string[]
  readonly min: number
  readonly max: number
}

interface HeatMapProps {
  readonly data: HeatData
  /** What the picture is, for people who cannot see it. */
  readonly label: string
  /** What one column is: `position`, `head`, `channel`. */
  readonly columnName: string
  readonly tone: 'kv' | 'ssm'
  readonly cell: HeatCell
  readonly onCell: (cell: HeatCell) => void
  readonly onOpen?: (cell: HeatCell) => void
  /** Rows between two separating lines: the heads of a layer. */
  readonly group?: number
  /** Lets buttons outside of the picture zoom it. */
  readonly controls?: Ref<HeatControls>
  /** Legend and buttons, right below the picture. */
  readonly children?: ReactNode
}

export interface HeatControls {
  /** Above 1 nearer, below 1 farther; around the cursor when it is in sight. */
  zoom(factor: number): void
  fit(): void
}

const GUTTER = 46
const FOOT = 34
const COLOURS = ['sunken', 'kv', 'ssm', 'line', 'line-strong', 'muted', 'text', 'accent', 'surface'] as const

export function HeatMap({
  data,
  label,
  columnName,
  tone,
  cell,
  onCell,
  onOpen,
  group = 1,
  controls,
  children,
}: HeatMapProps) {
  const holder = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const view = useRef<HeatView | null>(null)
  /** What the view was made for. */
  const framed = useRef<HeatFrame | null>(null)
  const pending = useRef(0)
  const help = useId()
  const [hover, setHover] = useState<HeatCell | null>(null)
  const width = useElementWidth(holder)
  const colours = useThemeColours(COLOURS)

  // Leaves room for legend and figures where the window is low.
  const room = Math.min(440, Math.max(200, window.innerHeight - 400))
  const height = Math.min(room, Math.max(120, data.rows * (data.rows <= 16 ? 18 : 11)))
  const frame = useMemo(
    () => ({ width: Math.max(1, width - GUTTER), height, rows: data.rows, columns: data.columns }),
    [width, height, data.rows, data.columns],
  )
  const levels = useMemo(() => heatPyramid(data), [data])
  const painter = useMemo(
    () =>
      createHeatPainter(levels, colourScale(colours.sunken, colours[tone]), {
        min: Math.min(0, data.min),
        max: data.max,
      }),
    [levels, colours, tone, data.min, data.max],
  )

  const paint = useCallback(() => {
    pending.current = 0
    const context = canvas.current?.getContext('2d')
    const shown = view.current
    if (context === null || context === undefined || shown === null) return
    const ratio = window.devicePixelRatio || 1
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    context.clearRect(0, 0, width, height + FOOT)
    painter.paint(context, shown, frame, { left: GUTTER, top: 0 })
    paintAxes(context, {
      view: shown,
      frame,
      left: GUTTER,
      colours,
      rowLabels: data.rowLabels,
      group,
      columnName,
      cell,
      hover,
    })
  }, [painter, frame, colours, data.rowLabels, group, columnName, cell, hover, width, height])

  const schedule = useCallback(() => {
    if (pending.current === 0) pending.current = requestAnimationFrame(paint)
  }, [paint])

  useLayoutEffect(() => {
    const element = canvas.current
    if (element === null || width === 0) return
    const ratio = window.devicePixelRatio || 1
    element.width = Math.round(width * ratio)
    element.height = Math.round((height + FOOT) * ratio)
    view.current =
      view.current === null || framed.current === null ? fitView(frame) : reframe(view.current, framed.current, frame)
    framed.current = frame
  }, [frame, width, height])

  useEffect(() => {
    schedule()
    return () => {
      cancelAnimationFrame(pending.current)
      pending.current = 0
    }
  }, [schedule])

  const setView = useCallback(
    (next: HeatView) => {
      view.current = next
      schedule()
    },
    [schedule],
  )
  const zoom = (factor: number) => {
    if (view.current === null) return
    const x = (cell.column + 0.5 - view.current.x) * view.current.scaleX
    const y = (cell.row + 0.5 - view.current.y) * view.current.scaleY
    const inside = x >= 0 && x <= frame.width && y >= 0 && y <= frame.height
    setView(zoomView(view.current, frame, factor, inside ? { x, y } : { x: frame.width / 2, y: frame.height / 2 }))
  }

  useImperativeHandle(controls, () => ({ zoom, fit: () => setView(fitView(frame)) }))

  usePointer({ canvas, view, frame, setView, setHover, onCell, onOpen })

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === '+' || event.key === '=') zoom(1.6)
    else if (event.key === '-') zoom(1 / 1.6)
    else if (event.key === '0') setView(fitView(frame))
    else if (event.key === 'Enter' || event.key === ' ') onOpen?.(cell)
    else {
      const shown = view.current === null ? 10 : Math.max(1, Math.floor(frame.width / view.current.scaleX / 4))
      const next = moveCell(cell, event.key, frame, shown)
      if (next === null) return
      onCell(next)
      if (view.current !== null) view.current = revealCell(view.current, frame, next)
    }
    event.preventDefault()
    schedule()
  }

  return (
    <div className="HeatMap" ref={holder}>
      <div
        className="HeatMap-plot"
        role="application"
        aria-roledescription="heat map"
        aria-label={label}
        aria-describedby={help}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: an application role takes the keyboard itself.
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        <canvas ref={canvas} className="HeatMap-canvas" style={{ height: height + FOOT }} />
      </div>
      {children}
      <p id={help} className="HeatMap-help">
        Drag to pan, scroll or <kbd>+</kbd> <kbd>−</kbd> to zoom, <kbd>0</kbd> to fit, arrows to move, <kbd>Enter</kbd>{' '}
        for the values.
      </p>
    </div>
  )
}

interface PointerTarget {
  readonly canvas: React.RefObject<HTMLCanvasElement | null>
  readonly view: React.RefObject<HeatView | null>
  readonly frame: { width: number; height: number; rows: number; columns: number }
  readonly setView: (view: HeatView) => void
  readonly setHover: (cell: HeatCell | null) => void
  readonly onCell: (cell: HeatCell) => void
  readonly onOpen: ((cell: HeatCell) => void) | undefined
}

/** Panning, zooming and choosing with a mouse, pen or finger. Listeners are native: React's wheel listener cannot refuse scrolling. */
function usePointer({ canvas, view, frame, setView, setHover, onCell, onOpen }: PointerTarget): void {
  useEffect(() => {
    const element = canvas.current
    if (element === null) return
    let drag: { x: number; y: number; moved: boolean } | null = null
    const pointIn = (event: MouseEvent) => {
      const box = element.getBoundingClientRect()
      return { x: event.clientX - box.left - GUTTER, y: event.clientY - box.top }
    }
    const at = (event: MouseEvent) => (view.current === null ? null : cellAt(view.current, frame, pointIn(event)))
    const down = (event: PointerEvent) => {
      drag = { x: event.clientX, y: event.clientY, moved: false }
      element.setPointerCapture(event.pointerId)
    }
    const move = (event: PointerEvent) => {
      if (drag === null || view.current === null) {
        setHover(at(event))
        return
      }
      const dx = event.clientX - drag.x
      const dy = event.clientY - drag.y
      if (!drag.moved && Math.hypot(dx, dy) < 4) return
      drag = { x: event.clientX, y: event.clientY, moved: true }
      setView(panView(view.current, frame, dx, dy))
    }
    const up = (event: PointerEvent) => {
      const chosen = drag !== null && !drag.moved ? at(event) : null
      drag = null
      if (chosen !== null) onCell(chosen)
    }
    const leave = () => setHover(null)
    const open = (event: MouseEvent) => {
      const chosen = at(event)
      if (chosen !== null) onOpen?.(chosen)
    }
    const wheel = (event: WheelEvent) => {
      if (view.current === null) return
      event.preventDefault()
      const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY)
      if (sideways || event.shiftKey)
        setView(panView(view.current, frame, -(sideways ? event.deltaX : event.deltaY), 0))
      else setView(zoomView(view.current, frame, Math.exp(-event.deltaY / 400), pointIn(event)))
    }
    element.addEventListener('pointerdown', down)
    element.addEventListener('pointermove', move)
    element.addEventListener('pointerup', up)
    element.addEventListener('pointerleave', leave)
    element.addEventListener('dblclick', open)
    element.addEventListener('wheel', wheel, { passive: false })
    return () => {
      element.removeEventListener('pointerdown', down)
      element.removeEventListener('pointermove', move)
      element.removeEventListener('pointerup', up)
      element.removeEventListener('pointerleave', leave)
      element.removeEventListener('dblclick', open)
      element.removeEventListener('wheel', wheel)
    }
  }, [canvas, view, frame, setView, setHover, onCell, onOpen])
}
