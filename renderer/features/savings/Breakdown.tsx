import { useState } from 'react'
import type { Price } from '#shared/domain/prices.ts'
import type { Output } from '#shared/rpc/client.ts'
import { formatCount, formatMoney, formatPercent, formatSaving, formatSeconds, formatShort } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { SegmentedControl } from '../../ui/SegmentedControl.tsx'
import { Table } from '../../ui/Table.tsx'
import { BarChart } from './charts/BarChart.tsx'

type Summary = Output<'savings.summary'>
type By = 'cartridge' | 'model' | 'day'
const HEADS = { cartridge: 'Cartridge', model: 'Model', day: 'Day' } as const

/** Where the savings came from: by cartridge, by model, by day. */
export function Breakdown({ summary, price }: { readonly summary: Summary; readonly price: Price | null }) {
  const [by, setBy] = useState<By>('cartridge')
  const rows = { cartridge: summary.byCartridge, model: summary.byModel, day: summary.byDay }[by]
  const most = Math.max(...rows.map(row => row.totals.tokensNaive), 1)
  return (
    <Panel
      title="Where from"
      actions={
        <SegmentedControl<By>
          label="Group by"
          value={by}
          onChange={setBy}
          segments={[
            { id: 'cartridge', label: 'By cartridge' },
            { id: 'model', label: 'By model' },
            { id: 'day', label: 'By day' },
          ]}
        />
      }
    >
      {by === 'day' && rows.length > 1 ? (
        <BarChart
          label="Tokens by day"
          firstName="read"
          secondName="not re-read"
          format={formatShort}
          bars={rows.map(({ label, totals }) => ({
            name: label,
            first: totals.tokensProcessed,
            second: Math.max(0, totals.tokensNaive - totals.tokensProcessed),
          }))}
        />
      ) : null}
      <Table
        caption={`Savings by ${by}`}
        rows={rows}
        rowKey={row => row.key}
        columns={[
          { id: 'label', title: HEADS[by], cell: row => row.label },
          {
            id: 'bar',
            title: 'Of re-reading',
            cell: row => (
              <span className="Share" aria-hidden style={{ width: `${(row.totals.tokensNaive / most) * 100}%` }}>
                <i
                  style={{
                    width: `${Math.min(100, (row.totals.tokensProcessed / Math.max(1, row.totals.tokensNaive)) * 100)}%`,
                  }}
                />
              </span>
            ),
          },
          { id: 'naive', title: 'Re-reading', numeric: true, cell: row => formatCount(row.totals.tokensNaive) },
          { id: 'processed', title: 'Read', numeric: true, cell: row => formatCount(row.totals.tokensProcessed) },
          {
            id: 'saved',
            title: 'Saved',
            numeric: true,
            cell: row =>
              formatSaving((1 - row.totals.tokensProcessed / Math.max(1, row.totals.tokensNaive)) * 100, formatPercent),
          },
          {
            id: 'time',
            title: 'Time avoided',
            numeric: true,
            cell: row => formatSaving(row.totals.secondsAvoided, formatSeconds),
          },
          ...(price === null
            ? []
            : [
                {
                  id: 'money',
                  title: 'Money',
                  numeric: true,
                  cell: (row: (typeof rows)[number]) =>
                    formatSaving(
                      ((row.totals.tokensNaive - row.totals.tokensProcessed) * price.input) / 1e6,
                      formatMoney,
                    ),
                },
              ]),
          {
            id: 'hits',
            title: 'Hits, misses',
            numeric: true,
            cell: row => `${formatCount(row.totals.hits)}, ${formatCount(row.totals.misses)}`,
          },
        ]}
      />
    </Panel>
  )
}
