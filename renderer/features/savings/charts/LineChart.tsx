/** Lines over steps or time, with the gap between two of them filled. The one place that knows the chart library. */
import { Area, CartesianGrid, ComposedChart, Line, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts'
import './charts.css'

export interface Series<Row> {
  readonly id: string
  readonly label: string
  readonly of: (row: Row) => number
  /** `main` is the product, `other` what it is compared with. */
  readonly tone: 'main' | 'other' | 'warn'
}

export interface LineChartProps<Row> {
  /** What the picture shows and how it ends, for people who cannot see it. */
  readonly label: string
  readonly rows: readonly Row[]
  readonly x: (row: Row) => number
  readonly formatX: (x: number) => string
  /** For the axis, where space is short. */
  readonly formatY: (y: number) => string
  /** For figures that are read: legend and tooltip; the axis's when left out. */
  readonly formatValue?: (y: number) => string
  readonly series: readonly Series<Row>[]
  readonly height?: number
  /** Where the axis ends while rows are still coming; the last row's place when left out. */
  readonly endX?: number | undefined
}

const STROKES = { main: 'var(--accent)', other: 'var(--faint)', warn: 'var(--bad)' } as const

export function LineChart<Row>({
  label,
  rows,
  x,
  formatX,
  formatY,
  formatValue = formatY,
  series,
  height = 260,
  endX,
}: LineChartProps<Row>) {
  const data = rows.map(row => ({ x: x(row), ...Object.fromEntries(series.map(line => [line.id, line.of(row)])) }))
  const main = series.find(line => line.tone === 'main')
  const other = series.find(line => line.tone === 'other')
  return (
    <figure className="Chart" aria-label={label}>
      <ul className="Chart-legend">
        {series.map(line => {
          const last = rows.at(-1)
          return (
            <li key={line.id} data-tone={line.tone}>
              {line.label} {last === undefined ? '' : <b>{formatValue(line.of(last))}</b>}
            </li>
          )
        })}
      </ul>
      <ResponsiveContainer width="100%" height={height}>
        <ComposedChart data={data} margin={{ top: 6, right: 12, bottom: 0, left: 0 }} title={label}>
          <CartesianGrid vertical={false} stroke="var(--line)" />
          <XAxis
            dataKey="x"
            type="number"
            domain={['dataMin', endX ?? 'dataMax']}
            tickFormatter={formatX}
            tickLine={false}
            axisLine={false}
            minTickGap={48}
            tick={{ fontSize: 11, fill: 'var(--muted)' }}
          />
          <YAxis
            width={64}
            tickFormatter={formatY}
            tickLine={false}
            axisLine={false}
            tick={{ fontSize: 11, fill: 'var(--muted)' }}
          />
          <Tooltip
            cursor={{ stroke: 'var(--line-strong)' }}
            content={({ active, payload }) =>
              active && payload.length > 0 ? (
                <div className="Chart-tip">
                  <b>{formatX(Number(payload[0]?.payload?.x))}</b>
                  {series.map(line => (
                    <span key={line.id}>
                      {line.label} <strong>{formatValue(Number(payload[0]?.payload?.[line.id]))}</strong>
                    </span>
                  ))}
                </div>
              ) : null
            }
          />
          {main === undefined || other === undefined ? null : (
            <Area
              dataKey={(row: Readonly<Record<string, number>>) => [row[main.id] ?? 0, row[other.id] ?? 0]}
              stroke="none"
              fill="var(--accent)"
              fillOpacity={0.09}
              isAnimationActive={false}
              activeDot={false}
            />
          )}
          {series.map(line => (
            <Line
              key={line.id}
              dataKey={line.id}
              stroke={STROKES[line.tone]}
              strokeWidth={line.tone === 'main' ? 2.5 : 2}
              strokeDasharray={line.tone === 'other' ? '5 4' : ''}
              dot={rows.length < 2}
              isAnimationActive={false}
            />
          ))}
        </ComposedChart>
      </ResponsiveContainer>
    </figure>
  )
}
