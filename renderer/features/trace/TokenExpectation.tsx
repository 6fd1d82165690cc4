import type { TraceStep } from '#shared/rpc/methods/receipts.ts'
import { formatBits, formatProbability, surpriseLevel } from './surprisal.ts'

/** What the model expected in the place of one token: its likeliest words as bars, the one that came marked. */
export function TokenExpectation({ step }: { readonly step: TraceStep }) {
  const { id, text, surprisalBits, probability, top } = step
  const level = surpriseLevel(surprisalBits)
  if (level === null || surprisalBits === null || probability === null)
    return (
      <p className="small muted">
        <code>{JSON.stringify(text)}</code> is the first token of its context: nothing stood before it to expect it
        from.
      </p>
    )
  const rows = top.some(entry => entry.id === id) ? top : [...top, { id, text, probability }]
  const most = Math.max(...rows.map(entry => entry.probability), Number.MIN_VALUE)
  return (
    <div className="Expectation">
      <p>
        <code>{JSON.stringify(text)}</code> {level.label.toLowerCase()}: {formatBits(surprisalBits)}, a chance of{' '}
        {formatProbability(probability)}
      </p>
      <table>
        <caption className="visually-hidden">What the model expected here</caption>
        <tbody>
          {rows.map(entry => (
            <tr key={entry.id} data-came={entry.id === id || undefined}>
              <th scope="row">
                <code>{JSON.stringify(entry.text)}</code>
                {entry.id === id ? <span className="small"> came</span> : null}
              </th>
              <td>
                <span className="Expectation-bar" aria-hidden>
                  <i style={{ width: `${(entry.probability / most) * 100}%` }} />
                </span>
              </td>
              <td className="num">{formatProbability(entry.probability)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
