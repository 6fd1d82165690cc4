import { memo } from 'react'
import type { StateKind } from '#shared/domain/cartridge.ts'
import { FaceMotif } from './FaceMotif.tsx'
import { faceOf } from './faceOf.ts'

export interface CartridgeFaceProps {
  /** A packet_id or context_id: equal digests draw equal faces. */
  readonly digest: string
  readonly kind: StateKind
  /** Gives it its initials. */
  readonly name?: string | null
  /** Of the drawing; a box of another shape shows its middle. */
  readonly width?: number
  readonly height?: number
}

/** The picture by which one recognises a cartridge: its kind by the ground, itself by motif, ink and initials. */
export const CartridgeFace = memo(function CartridgeFace({
  digest,
  kind,
  name,
  width = 44,
  height = 28,
}: CartridgeFaceProps) {
  const look = faceOf(digest, kind, name ?? '')
  const letter = Math.min(height * 0.46, width * 0.4)
  return (
    <svg
      className="Face"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="xMidYMid slice"
      aria-hidden="true"
      style={{ color: `hsl(${look.ink} 72% 58%)` }}
    >
      <rect width={width} height={height} fill={`hsl(${look.ground} 46% 17%)`} />
      <g fill="currentColor">
        <FaceMotif look={look} width={width} height={height} />
      </g>
      {look.initials === '' ? null : (
        <text className="Face-initials" x={width / 2} y={height / 2} fontSize={letter}>
          {look.initials}
        </text>
      )}
    </svg>
  )
})
