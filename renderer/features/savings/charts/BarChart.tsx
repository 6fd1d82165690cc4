/** Stacked bars of two parts, one bar a category: what was read, and what was not re-read. */
import { Bar, CartesianGrid, BarChart as Chart, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts'
import './charts.css'

interface BarChartProps {
  readonly label: string
  readonly bars: readonly { readonly name: string; readonly first: number; readonly second: number }[]
  readonly firstName: string
  readonly secondName: string
  readonly format: (value: number) => string
}

export function BarChart({ label, bars, firstName, secondName, format }: BarChartProps) {
  return (
    <figure className="Chart" aria-label={label}>
      <ul className="Chart-legend">
        <li data-tone="main">{firstName}</li>
        <li data-tone="rest">{secondName}</li>
      </ul>
      <ResponsiveContainer width="100%" height={220}>
        <Chart data={[...bars]} margin={{ top: 6, right: 12, bottom: 0, left: 0 }} title={label}>
          <CartesianGrid vertical={false} stroke="var(--line)" />
          <XAxis
            dataKey="name"
            tickLine={false}
            axisLine={false}
            minTickGap={16}
            tick={{ fontSize: 11, fill: 'var(--muted)' }}
          />
          <YAxis
            width={64}
            tickFormatter={format}
            tickLine={false}
            axisLine={false}
            tick={{ fontSize: 11, fill: 'var(--muted)' }}
          />
          <Tooltip
            cursor={{ fill: 'var(--sunken)' }}
            content={({ active, payload }) =>
              active && payload.length > 0 ? (
                <div className="Chart-tip">
                  <b>{String(payload[0]?.payload?.name)}</b>
                  <span>
                    {firstName} <strong>{format(Number(payload[0]?.payload?.first))}</strong>
                  </span>
                  <span>
                    {secondName} <strong>{format(Number(payload[0]?.payload?.second))}</strong>
                  </span>
                </div>
              ) : null
            }
          />
          <Bar dataKey="first" stackId="all" fill="var(--accent)" maxBarSize={44} isAnimationActive={false} />
          <Bar
            dataKey="second"
            stackId="all"
            fill="var(--line-strong)"
            radius={[4, 4, 0, 0]}
            maxBarSize={44}
            isAnimationActive={false}
          />
        </Chart>
      </ResponsiveContainer>
    </figure>
  )
}
