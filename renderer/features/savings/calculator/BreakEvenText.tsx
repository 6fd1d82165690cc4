import type { BreakEven, CalculatorResult } from '#shared/domain/calculator.ts'
import { formatCounted } from '../../../ui/format.ts'

function sentence(other: string, { steps, loopsPerDay }: BreakEven): string {
  if (steps === null && loopsPerDay === null) return `Against ${other}: never cheaper with these prices.`
  const byStep =
    steps === null
      ? 'with no number of steps up to 1,000'
      : steps === 1
        ? 'from the first step'
        : `from ${formatCounted(steps, 'step')} a loop`
  const byLoop =
    loopsPerDay === null ? 'with no number of loops' : `from ${formatCounted(loopsPerDay, 'loop')} a day and agent`
  return `Against ${other}: cheaper ${byStep}, and ${byLoop}.`
}

/** Where state packs begin to cost less. */
export function BreakEvenText({ result }: { readonly result: CalculatorResult }) {
  const { againstNaive, againstCaching } = result.breakEven
  return (
    <div className="BreakEven">
      <h3>Break-even</h3>
      <p>{sentence('re-reading everything', againstNaive)}</p>
      {againstCaching === null ? null : <p>{sentence('provider caching', againstCaching)}</p>}
      {result.machines === 0 ? null : <p>{formatCounted(result.machines, 'machine')} of yours do the work of a day.</p>}
    </div>
  )
}
