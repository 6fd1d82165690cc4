import { formatCount, formatCounted } from '../../../ui/format.ts'
import { Table } from '../../../ui/Table.tsx'
import type { Inspection } from '../inspectData.ts'

/** Which positions later tokens may attend to, as runs. */
export function MaskView({ inspection }: { readonly inspection: Inspection }) {
  let at = 0
  const runs = inspection.attentionMask.map(([value, length]) => {
    const start = at
    at += length
    return { value, start, end: at }
  })
  const attended = runs.reduce((sum, run) => sum + (run.value === 1 ? run.end - run.start : 0), 0)
  return (
    <div className="stack">
      <p>
        <b>{formatCount(attended)}</b> of {formatCounted(at, 'position')} are attended to, in {runs.length}{' '}
        {runs.length === 1 ? 'run' : 'runs'}. Attention is causal on top of it: each token sees itself and what came
        before.
      </p>
      <div className="MaskStrip" role="img" aria-label={`${attended} of ${at} positions attended`}>
        {runs.map(run => (
          <i key={run.start} data-on={run.value === 1 || undefined} style={{ flexGrow: run.end - run.start }} />
        ))}
      </div>
      <Table
        caption="Runs of the attention mask"
        rows={runs}
        rowKey={run => String(run.start)}
        columns={[
          { id: 'value', title: 'Attended', cell: run => (run.value === 1 ? 'yes' : 'no') },
          { id: 'start', title: 'From position', numeric: true, cell: run => formatCount(run.start) },
          { id: 'end', title: 'To position', numeric: true, cell: run => formatCount(run.end - 1) },
          { id: 'length', title: 'Tokens', numeric: true, cell: run => formatCount(run.end - run.start) },
        ]}
      />
    </div>
  )
}
