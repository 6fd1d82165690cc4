import { CircleCheck, CircleX } from 'lucide-react'
import type { Output } from '#shared/rpc/client.ts'
import { formatCount, formatCounted, formatRatio, formatSeconds, formatSignificant } from '../../ui/format.ts'
import { scrollIntoView } from '../../ui/scrollIntoView.ts'

/** What reading the whole context again gave, against what the cartridge gave. */
export function Proof({
  result,
  isAwaited,
}: {
  readonly result: Output<'packets.prove'>
  /** Nobody who has gone on to something else is taken away from it. */
  readonly isAwaited: boolean
}) {
  const slower = result.secondsFull > 0 && result.secondsState > 0 ? result.secondsFull / result.secondsState : null
  // An answer drawn with a seed is not the likeliest one, but its state can be proven all the same.
  const sameNumbers = result.sameTopToken && result.maxAbsDiff < 1e-3
  const proven = result.sameOutput || sameNumbers
  return (
    <div ref={isAwaited ? scrollIntoView : null} className={`Proof${proven ? '' : ' Proof--bad'}`} role="status">
      {proven ? <CircleCheck aria-hidden /> : <CircleX aria-hidden />}
      <div>
        <b>
          {result.sameOutput
            ? 'Same answer when everything is read again.'
            : sameNumbers
              ? 'Same state when everything is read again. These words were drawn, not the likeliest.'
              : 'A different answer when everything is read again.'}
        </b>
        <span>
          Largest logit difference {formatSignificant(result.maxAbsDiff, 2)}
          {result.sameTopToken ? ', same first token' : ', another first token'}
        </span>
        <span>
          {formatCounted(result.tokensFull, 'token')} in {formatSeconds(result.secondsFull)}, against{' '}
          {formatCount(result.tokensState)} in {formatSeconds(result.secondsState)}
          {slower === null ? '' : ` (${formatRatio(slower)})`}
        </span>
      </div>
    </div>
  )
}
