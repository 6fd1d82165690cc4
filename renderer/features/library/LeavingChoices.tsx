import type { Input, Output } from '#shared/rpc/client.ts'
import { deviceName } from '../../ui/deviceName.ts'
import { formatAgo, formatCounted, formatSeconds } from '../../ui/format.ts'
import { operationKind } from '../../ui/operationWords.ts'
import { Switch } from '../../ui/Switch.tsx'

/** What of a cartridge goes out. */
export type Leaving = Required<Pick<Input<'packets.export'>, 'receipt' | 'withhold'>>

/** What else would leave, what could stay here, and what that means: beside the text that can be read. */
export function LeavingChoices({
  review: { made, notWithheld },
  leaving,
  onChange,
}: {
  readonly review: Output<'packets.exportReview'>
  readonly leaving: Leaving
  readonly onChange: (leaving: Leaving) => void
}) {
  return (
    <section className="stack stack--tight" aria-label="What goes along">
      {made === null ? null : (
        <>
          <Switch isSelected={leaving.receipt} onChange={receipt => onChange({ ...leaving, receipt })}>
            The receipt of its making goes along
          </Switch>
          <p className="small muted">It tells: {toldBy(made)}. Without it, nobody but you can say when it was made.</p>
        </>
      )}
      <Switch
        isSelected={leaving.withhold}
        isDisabled={notWithheld !== null}
        onChange={withhold => onChange({ ...leaving, withhold })}
      >
        Withhold its texts, recipe and tokens
      </Switch>
      <p className="small muted">
        {notWithheld ??
          'Keys and values go along all the same, and text can be recovered from them: this keeps nobody from it who wants it. It can be asked and read on, but nobody can check what it has read.'}
      </p>
    </section>
  )
}

function toldBy({ op, at, seconds, provider, runtime, threads }: NonNullable<Output<'packets.exportReview'>['made']>) {
  return [
    `${operationKind(op).toLowerCase()} ${formatAgo(at)}`,
    ...(seconds === null ? [] : [`in ${formatSeconds(seconds)}`]),
    ...(provider === null ? [] : [`on ${deviceName(provider)}`]),
    ...(runtime === null ? [] : [`runtime ${runtime}`]),
    ...(threads === null ? [] : [formatCounted(threads, 'thread')]),
  ].join(', ')
}
