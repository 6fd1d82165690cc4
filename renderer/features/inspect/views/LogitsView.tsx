import { formatFixed, formatPercent } from '../../../ui/format.ts'
import { Table } from '../../../ui/Table.tsx'
import type { Inspection } from '../inspectData.ts'

/** What the model would say next: the top tokens after the last one that was read. The bars stand inside their own table. */
export function LogitsView({ inspection }: { readonly inspection: Inspection }) {
  const top = Math.max(...inspection.logits.map(entry => entry.probability), Number.MIN_VALUE)
  return (
    <Table
      caption="Most likely next tokens"
      rows={inspection.logits}
      rowKey={entry => String(entry.id)}
      columns={[
        { id: 'text', title: 'Token', cell: entry => <code className="Glyphs">{JSON.stringify(entry.text)}</code> },
        {
          id: 'bar',
          title: 'Probability',
          cell: entry => (
            <span className="Bar" aria-hidden>
              <i style={{ width: `${(entry.probability / top) * 100}%` }} />
            </span>
          ),
        },
        { id: 'probability', title: 'Share', numeric: true, cell: entry => shareOf(entry.probability) },
        { id: 'logit', title: 'Logit', numeric: true, cell: entry => formatFixed(entry.logit, 3) },
        { id: 'id', title: 'Id', numeric: true, cell: entry => <span className="mono">{entry.id}</span> },
      ]}
    />
  )
}

/** Down to a tenth of a percent: what is less is not nothing. */
function shareOf(probability: number): string {
  return probability > 0 && probability < 0.0005 ? `< ${formatPercent(0.1)}` : formatPercent(probability * 100)
}
