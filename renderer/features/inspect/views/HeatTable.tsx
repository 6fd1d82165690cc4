import { useState } from 'react'
import { formatCount, formatFixed } from '../../../ui/format.ts'
import { Select } from '../../../ui/Select.tsx'
import { VirtualTable } from '../../../ui/VirtualTable.tsx'
import type { HeatData } from '../heat/HeatMap.tsx'

const WINDOW = 6

/** The numbers of a heat map: one line per column of the picture, six of its rows at a time. */
export function HeatTable({ data, columnName }: { readonly data: HeatData; readonly columnName: string }) {
  const [from, setFrom] = useState(0)
  const first = Math.min(from, Math.max(0, data.rows - 1))
  const shown = Array.from({ length: Math.min(WINDOW, data.rows - first) }, (_, i) => first + i)
  const windows = Array.from({ length: Math.ceil(data.rows / WINDOW) }, (_, i) => i * WINDOW)
  const name = (row: number) => data.rowLabels[row] ?? String(row)
  return (
    <div className="stack">
      {windows.length < 2 ? null : (
        <Select
          label="Rows of the picture"
          value={String(first)}
          onChange={value => setFrom(Number(value))}
          options={windows.map(start => ({
            id: String(start),
            label: `${name(start)} to ${name(Math.min(data.rows - 1, start + WINDOW - 1))}`,
          }))}
        />
      )}
      <VirtualTable
        caption="Norms"
        rows={Array.from({ length: data.columns }, (_, column) => column)}
        rowKey={column => String(column)}
        columns={[
          { id: 'column', title: columnName, width: '80px', cell: column => formatCount(column) },
          ...shown.map(row => ({
            id: String(row),
            title: name(row),
            width: 'minmax(72px, 1fr)',
            numeric: true,
            cell: (column: number) => formatFixed(data.values[row * data.columns + column] ?? 0, 4),
          })),
        ]}
      />
    </div>
  )
}
