import { memo, type ReactElement } from 'react'
import type { StateKind } from '#shared/domain/cartridge.ts'

export interface CartridgeFaceProps {
  /** A packet_id or context_id: equal digests draw equal faces. */
  readonly digest: string
  readonly kind: StateKind
  readonly width?: number
  readonly height?: number
}

const SHAPES = 22
const HUES = { ssm: [160, 30], kv: [222, 40], hybrid: [278, 30] } as const satisfies Record<
  StateKind,
  readonly [number, number]
>

function bytesOf(digest: string): number[] {
  const hex = digest.replace(/^sha256:/, '')
  const bytes: number[] = []
  for (let i = 0; i + 1 < hex.length; i += 2) {
    const byte = Number.parseInt(hex.slice(i, i + 2), 16)
    bytes.push(Number.isNaN(byte) ? hex.charCodeAt(i) & 255 : byte)
  }
  return bytes.length === 0 ? [0] : bytes
}

/** The picture by which one recognises a cartridge: teal waves for SSM, indigo bars for KV, drawn from its digest alone. */
export const CartridgeFace = memo(function CartridgeFace({
  digest,
  kind,
  width = 220,
  height = 92,
}: CartridgeFaceProps) {
  const bytes = bytesOf(digest)
  const at = (i: number) => bytes[i % bytes.length] ?? 0
  const [base, spread] = HUES[kind]
  const hue = base + (at(0) % spread)
  const step = width / SHAPES
  const shapes: ReactElement[] = []
  for (let i = 0; i < SHAPES; i++) {
    const a = at(i) / 255
    const b = at(i * 7 + 3) / 255
    const x = i * step
    if (kind === 'ssm' || (kind === 'hybrid' && i % 2 === 0)) {
      const left = x - step * 1.5
      const path = `M${left} ${height} C ${left + step} ${height * a}, ${left + step * 2} ${height * b}, ${left + step * 4} ${height}`
      shapes.push(<path key={i} d={path} fill={`hsl(${hue} 55% ${28 + 40 * b}% / .55)`} />)
    } else {
      shapes.push(
        <rect
          key={i}
          x={x + 1}
          y={height * (0.08 + 0.5 * a)}
          width={step - 2}
          height={height * (0.18 + 0.55 * b)}
          rx={2}
          fill={`hsl(${hue + 30 * a} 62% ${34 + 38 * b}% / .9)`}
        />,
      )
    }
  }
  return (
    <svg className="Face" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      <rect width={width} height={height} fill={`hsl(${hue} 45% 14%)`} />
      {shapes}
    </svg>
  )
})
