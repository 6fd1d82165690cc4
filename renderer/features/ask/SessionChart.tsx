import { significant } from '#shared/figures/significant.ts'
import { formatTokens } from '../../ui/format.ts'
import type { Point } from './turns.ts'

const W = 260
const H = 70

/** Two lines over the turns: tokens a loop that reads everything again would have processed, and tokens that were. */
export function SessionChart({ points }: { readonly points: readonly Point[] }) {
  const last = points.at(-1) ?? { naive: 0, processed: 0 }
  const top = Math.max(1, last.naive, last.processed)
  const line = (of: (point: Point) => number) =>
    points
      .map(
        (point, i) =>
          `${significant((i / Math.max(1, points.length - 1)) * W, 4)},${significant(H - 3 - (of(point) / top) * (H - 6), 4)}`,
      )
      .join(' ')
  return (
    <figure className="SessionChart">
      <svg
        viewBox={`0 0 ${W} ${H}`}
        role="img"
        aria-label={`After ${points.length - 1} answers: re-reading everything ${formatTokens(last.naive, 'tokens')}, processed ${formatTokens(last.processed)}`}
      >
        <polyline className="SessionChart-naive" points={line(point => point.naive)} />
        <polyline className="SessionChart-pack" points={line(point => point.processed)} />
      </svg>
      <figcaption>
        <span className="SessionChart-key SessionChart-key--naive">re-reading everything</span>
        <span className="SessionChart-key">processed</span>
      </figcaption>
    </figure>
  )
}
