/** The numbers behind one cell of a heat map: what the cartridge really stores there. */

import { useMemo } from 'react'
import { significant } from '#shared/figures/significant.ts'
import { useRead } from '../../../stores/useRead.ts'
import { Dots } from '../../../ui/Dots.tsx'
import { ErrorPanel } from '../../../ui/ErrorPanel.tsx'
import { formatCount, formatFixed, formatSignificant } from '../../../ui/format.ts'
import { VirtualTable } from '../../../ui/VirtualTable.tsx'
import type { TensorName } from '../inspectData.ts'

interface CellValuesProps {
  readonly refId: string
  readonly tensor: TensorName
  readonly layer: number
  readonly head: number
  readonly position: number
}

const BARS = 256

/** Bars around zero as one path: those above it, or those below. */
function barsPath(values: Float32Array, most: number, negative: boolean): string {
  let path = ''
  for (const [at, value] of values.subarray(0, BARS).entries()) {
    if (value < 0 === negative) path += `M${at + 0.1} 0V${significant(-value / most, 4)}h.8V0z`
  }
  return path
}

export function CellValues({ refId, tensor, layer, head, position }: CellValuesProps) {
  const read = useRead('packets.tensor', { ref: refId, tensor, layer, head, position }, { keepsLast: true })
  const facts = useMemo(() => {
    const values = read.data?.values
    if (values === undefined || values.length === 0) return null
    let squares = 0
    let low = values[0] ?? 0
    let high = low
    for (const value of values) {
      squares += value * value
      if (value < low) low = value
      if (value > high) high = value
    }
    return { norm: Math.sqrt(squares), low, high, most: Math.max(Math.abs(low), Math.abs(high), Number.MIN_VALUE) }
  }, [read.data])
  if (read.error !== null)
    return <ErrorPanel error={read.error} action={{ label: 'Read again', onPress: () => void read.refetch() }} />
  if (read.data === undefined || facts === null) return <p className="muted">Reading the values …</p>
  const { values, shape } = read.data
  const inner = shape.at(-1) ?? values.length
  const indexOf = (at: number) => (shape.length > 1 ? `${Math.floor(at / inner)}, ${at % inner}` : String(at))
  return (
    <div className="stack">
      <p className="small muted">
        <Dots>
          Shape <span className="mono">[{shape.join(', ')}]</span>
          {`norm ${formatFixed(facts.norm, 4)}`}
          {`from ${formatFixed(facts.low, 4)} to ${formatFixed(facts.high, 4)}`}
          {values.length > BARS ? `the first ${BARS} of ${formatCount(values.length)} drawn` : null}
        </Dots>
      </p>
      <svg
        className="ValueBars"
        viewBox={`0 -1 ${Math.min(values.length, BARS)} 2`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${values.length} values, norm ${formatFixed(facts.norm, 4)}`}
      >
        <path d={barsPath(values, facts.most, false)} />
        <path d={barsPath(values, facts.most, true)} data-negative />
      </svg>
      <VirtualTable
        caption="Values"
        maxHeight={240}
        rows={Array.from(values)}
        rowKey={(_, at) => String(at)}
        columns={[
          {
            id: 'index',
            title: shape.length > 1 ? 'Row, column' : 'Dimension',
            width: '1fr',
            cell: (_, at) => <span className="mono">{indexOf(at)}</span>,
          },
          {
            id: 'value',
            title: 'Value',
            width: '1fr',
            numeric: true,
            cell: value => <span className="mono">{formatSignificant(value, 7)}</span>,
          },
        ]}
      />
    </div>
  )
}
