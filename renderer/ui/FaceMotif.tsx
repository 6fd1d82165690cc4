import type { FaceLook } from './faceOf.ts'

/** Figures of one motif in a box, large enough to be told apart in 24 pixels. */
export function FaceMotif({
  look: { motif, shift, scale },
  width,
  height,
}: {
  readonly look: FaceLook
  readonly width: number
  readonly height: number
}) {
  const unit = Math.min(width, height)
  const [cx, cy] = [width / 2 + (shift - 0.5) * 0.5 * width, height / 2]
  const size = unit * (0.75 + 0.5 * scale)
  const step = unit * (0.26 + 0.1 * scale)
  const along = (count: number) => Array.from({ length: count }, (_, at) => at)
  const across = along(Math.ceil(width / step) + 4)
  switch (motif) {
    case 'bars':
      return across.map(at => (
        <rect
          key={at}
          x={at * step - shift * step}
          y={height * ((at * 37 + shift * 100) % 55) * 0.01}
          width={step * 0.6}
          height={height}
        />
      ))
    case 'waves':
      return along(3).map(row => {
        const y = height * (0.25 + 0.3 * row)
        const path = across.map(at => `q${step / 2} ${at % 2 === 0 ? -step : step} ${step} 0`).join('')
        return (
          <path
            key={row}
            d={`M${-shift * step * 2} ${y}${path}`}
            fill="none"
            stroke="currentColor"
            strokeWidth={unit * 0.12}
          />
        )
      })
    case 'rings':
      return [1, 0.62, 0.24].map(part => (
        <circle
          key={part}
          cx={cx}
          cy={cy}
          r={(size * part) / 1.6}
          fill="none"
          stroke="currentColor"
          strokeWidth={unit * 0.12}
        />
      ))
    case 'bands':
      return across.map(at => {
        const x = at * step * 1.6 - height - shift * step
        return <path key={at} d={`M${x} ${height}l${height} ${-height}h${step * 0.8}l${-height} ${height}z`} />
      })
    case 'dots':
      return across.flatMap(at =>
        along(Math.ceil(height / step) + 1).map(row => (
          <circle
            key={`${at} ${row}`}
            cx={at * step - shift * step}
            cy={(row + (at % 2) / 2) * step}
            r={step * (0.22 + 0.14 * shift)}
          />
        )),
      )
    case 'chevrons':
      return along(Math.ceil(width / step) + 2).map(at => {
        const x = at * step * 1.5 - shift * step - step
        return (
          <path
            key={at}
            d={`M${x} 0l${step} ${height / 2}l${-step} ${height / 2}`}
            fill="none"
            stroke="currentColor"
            strokeWidth={step * 0.55}
          />
        )
      })
    case 'discs':
      return (
        <>
          <circle cx={cx - size * 0.35} cy={cy} r={size * 0.5} />
          <rect x={cx + size * 0.25} y={cy - size * 0.4} width={size * 0.8} height={size * 0.8} opacity={0.7} />
        </>
      )
    case 'rays':
      return along(9).map(at => {
        const angle = ((at + shift) / 9) * 2 * Math.PI
        const edge = (turn: number) => `${cx + Math.cos(angle + turn) * width} ${cy + Math.sin(angle + turn) * width}`
        return <path key={at} d={`M${cx} ${cy}L${edge(0)}L${edge(0.22 + 0.16 * scale)}z`} />
      })
  }
}
