import { CircleCheck, CircleX } from 'lucide-react'
import type { Output } from '#shared/rpc/client.ts'
import { formatCount, formatSeconds } from '../../ui/format.ts'

/** What reading the whole context again gave, against what the cartridge gave. */
export function Proof({ result }: { readonly result: Output<'packets.prove'> }) {
  const slower = result.secondsFull > 0 && result.secondsState > 0 ? result.secondsFull / result.secondsState : null
  return (
    <div className={`Proof${result.sameOutput ? '' : ' Proof--bad'}`} role="status">
      {result.sameOutput ? <CircleCheck aria-hidden /> : <CircleX aria-hidden />}
      <div>
        <b>
          {result.sameOutput
            ? 'Same answer when everything is read again.'
            : 'A different answer when everything is read again.'}
        </b>
        <span>
          Largest logit difference {formatDifference(result.maxAbsDiff)}
          {result.sameTopToken ? ', same first token' : ', another first token'}
        </span>
        <span>
          {formatCount(result.tokensFull)} tokens in {formatSeconds(result.secondsFull)}, against{' '}
          {formatCount(result.tokensState)} in {formatSeconds(result.secondsState)}
          {slower === null ? '' : ` (${slower.toFixed(1)} times)`}
        </span>
      </div>
    </div>
  )
}

function formatDifference(value: number): string {
  if (value === 0) return '0'
  return value < 0.001 ? value.toExponential(1) : value.toFixed(4)
}
