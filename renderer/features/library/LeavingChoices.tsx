import type { Input, Output } from '#shared/rpc/client.ts'
import { formatAgo, formatSeconds } from '../../ui/format.ts'
import { Switch } from '../../ui/Switch.tsx'

/** What goes out beside a cartridge. */
export type Leaving = Required<Pick<Input<'packets.export'>, 'receipt'>>

/** What else would leave, and the choice of it: beside the text that can be read. */
export function LeavingChoices({
  review: { made },
  leaving,
  onChange,
}: {
  readonly review: Output<'packets.exportReview'>
  readonly leaving: Leaving
  readonly onChange: (leaving: Leaving) => void
}) {
  if (made === null) return null
  const { op, at, seconds, provider, runtime, threads } = made
  const told = [
    `${op}, ${formatAgo(at)}`,
    ...(seconds === null ? [] : [`in ${formatSeconds(seconds)}`]),
    ...(provider === null ? [] : [`on ${provider}`]),
    ...(runtime === null ? [] : [`runtime ${runtime}`]),
    ...(threads === null ? [] : [`${threads} ${threads === 1 ? 'thread' : 'threads'}`]),
  ].join(', ')
  return (
    <section className="stack stack--tight" aria-label="What goes along">
      <Switch isSelected={leaving.receipt} onChange={receipt => onChange({ ...leaving, receipt })}>
        The receipt of its making goes along
      </Switch>
      <p className="small muted">It tells: {told}. Without it, nobody but you can say when it was made.</p>
    </section>
  )
}
