/** What really happened in this installation: totals, the course of it, and where it came from. Follows every run. */
import { ChartLine } from 'lucide-react'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import type { Price } from '#shared/domain/prices.ts'
import type { Input, Output } from '#shared/rpc/client.ts'
import { useRead } from '../../stores/useRead.ts'
import { Button } from '../../ui/Button.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import {
  formatBytes,
  formatClock,
  formatCount,
  formatDay,
  formatHour,
  formatMoment,
  formatMoney,
  formatPercent,
  formatSaving,
  formatSeconds,
  formatShort,
  formatTokens,
} from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { SegmentedControl } from '../../ui/SegmentedControl.tsx'
import { Stat } from '../../ui/Stat.tsx'
import { VirtualTable } from '../../ui/VirtualTable.tsx'
import { Breakdown } from './Breakdown.tsx'
import { LineChart } from './charts/LineChart.tsx'

export type Period = NonNullable<Input<'savings.summary'>['period']>
type Point = Output<'savings.series'>['points'][number]
type Measure = 'tokens' | 'money' | 'latency' | 'hits' | 'table'

export function MeasuredView({ period, price }: { readonly period: Period; readonly price: Price | null }) {
  const navigate = useNavigate()
  const summary = useRead('savings.summary', { period }, { keepsLast: true })
  if (summary.error !== null)
    return <ErrorPanel error={summary.error} action={{ label: 'Read again', onPress: () => void summary.refetch() }} />
  if (summary.data === undefined) return <p className="muted">Reading the meter …</p>
  const { totals } = summary.data
  if (totals.inferences === 0) {
    return (
      <EmptyState
        icon={<ChartLine />}
        title={period === 'all' ? 'Nothing measured yet' : 'Nothing measured in this time'}
        actions={
          <>
            <Button variant="primary" onPress={() => navigate('/ask')}>
              Ask a cartridge
            </Button>
            <Button onPress={() => navigate('/savings?tab=loop')}>Run the benchmark</Button>
          </>
        }
      >
        Each question to a cartridge is metered: tokens really run through the model, and what reading everything again
        would have taken. A run that saved nothing counts as a miss.
      </EmptyState>
    )
  }
  const saved = totals.tokensNaive - totals.tokensProcessed
  return (
    <>
      <div className="Stats">
        <Stat
          label="Tokens not re-read"
          value={formatSaving(saved, formatTokens)}
          note={formatSaving(totals.tokensNaive === 0 ? 0 : (saved / totals.tokensNaive) * 100, formatPercent)}
          tone={saved > 0 ? 'ok' : 'warn'}
        />
        <Stat
          label="Time avoided"
          value={formatSaving(totals.secondsAvoided, formatSeconds)}
          note={
            totals.secondsAvoided < 0
              ? 'restoring took longer than reading again'
              : `measured; ${formatSeconds(totals.secondsMeasured)} spent`
          }
          tone={totals.secondsAvoided < 0 ? 'warn' : 'muted'}
        />
        <Stat
          label="Money, at your prices"
          value={price === null ? 'no price' : formatSaving((saved * price.input) / 1e6, formatMoney)}
          note={price === null ? 'choose one under Prices' : `${price.label} input`}
        />
        <Stat
          label="Runs that saved nothing"
          value={formatCount(totals.misses)}
          note={`of ${formatCount(totals.inferences)}; ${formatBytes(totals.bytesRead)} read, ${formatBytes(totals.bytesWritten)} written`}
          tone={totals.misses === 0 ? 'muted' : 'warn'}
        />
      </div>
      <Course period={period} price={price} />
      <Breakdown summary={summary.data} price={price} />
    </>
  )
}

function Course({ period, price }: { readonly period: Period; readonly price: Price | null }) {
  const [measure, setMeasure] = useState<Measure>('tokens')
  const series = useRead('savings.series', { period }, { keepsLast: true })
  const points = series.data?.points ?? []
  const first = points[0]
  const last = points.at(-1)
  const days = first === undefined || last === undefined ? 0 : (Date.parse(last.at) - Date.parse(first.at)) / 86_400_000
  // As fine as the time they span asks for: labels that repeat say nothing.
  const formatX = days > 1.5 ? formatDay : days < 1 / 144 ? formatClock : formatHour
  const perToken = (price?.input ?? 0) / 1e6
  const shared = { rows: points, x: (point: Point) => Date.parse(point.at), formatX }
  return (
    <Panel
      title="So far"
      note="cumulative, as measured"
      actions={
        <SegmentedControl<Measure>
          label="What to draw"
          value={measure}
          onChange={setMeasure}
          segments={[
            { id: 'tokens', label: 'Tokens' },
            ...(price === null ? [] : [{ id: 'money' as const, label: 'Money' }]),
            { id: 'latency', label: 'Latency' },
            { id: 'hits', label: 'Hits' },
            { id: 'table', label: 'Table' },
          ]}
        />
      }
    >
      {series.error === null ? null : <ErrorPanel error={series.error} />}
      {measure === 'tokens' ? (
        <LineChart
          {...shared}
          label={`Tokens: re-reading everything ${formatCount(last?.tokensNaive ?? 0)}, state packs ${formatCount(last?.tokensProcessed ?? 0)}`}
          formatY={formatShort}
          formatValue={formatCount}
          series={[
            { id: 'naive', label: 're-reading everything', of: point => point.tokensNaive, tone: 'other' },
            { id: 'state', label: 'state packs', of: point => point.tokensProcessed, tone: 'main' },
          ]}
        />
      ) : null}
      {measure === 'money' ? (
        <LineChart
          {...shared}
          label={`Money at the price of ${price?.label ?? ''}`}
          formatY={formatMoney}
          series={[
            { id: 'naive', label: 're-reading everything', of: point => point.tokensNaive * perToken, tone: 'other' },
            { id: 'state', label: 'state packs', of: point => point.tokensProcessed * perToken, tone: 'main' },
          ]}
        />
      ) : null}
      {measure === 'latency' ? (
        <LineChart
          {...shared}
          label="Seconds of each step"
          formatY={formatSeconds}
          series={[{ id: 'latency', label: 'seconds of a step', of: point => point.latency, tone: 'main' }]}
        />
      ) : null}
      {measure === 'hits' ? (
        <LineChart
          {...shared}
          label={`Hits ${last?.hits ?? 0}, misses ${last?.misses ?? 0}`}
          formatY={formatShort}
          formatValue={formatCount}
          series={[
            { id: 'hits', label: 'hits', of: point => point.hits, tone: 'main' },
            { id: 'misses', label: 'misses', of: point => point.misses, tone: 'warn' },
          ]}
        />
      ) : null}
      {measure === 'table' ? (
        <VirtualTable
          caption="The course of the savings"
          maxHeight={300}
          rows={points}
          rowKey={(_, index) => String(index)}
          columns={[
            { id: 'at', title: 'When', width: '160px', cell: point => formatMoment(point.at) },
            {
              id: 'naive',
              title: 'Tokens, re-reading',
              width: '1fr',
              numeric: true,
              cell: point => formatCount(point.tokensNaive),
            },
            {
              id: 'state',
              title: 'Processed',
              width: '1fr',
              numeric: true,
              cell: point => formatCount(point.tokensProcessed),
            },
            { id: 'latency', title: 'Step', width: '90px', numeric: true, cell: point => formatSeconds(point.latency) },
            {
              id: 'avoided',
              title: 'Avoided',
              width: '90px',
              numeric: true,
              cell: point => formatSaving(point.secondsAvoided, formatSeconds),
            },
            { id: 'hits', title: 'Hits', width: '70px', numeric: true, cell: point => formatCount(point.hits) },
            { id: 'misses', title: 'Misses', width: '70px', numeric: true, cell: point => formatCount(point.misses) },
          ]}
        />
      ) : null}
    </Panel>
  )
}
