import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useRef } from 'react'
import './virtualTable.css'

export interface VirtualColumn<Row> {
  readonly id: string
  readonly title: ReactNode
  /** A CSS grid track, e.g. `90px` or `minmax(120px, 1fr)`. */
  readonly width: string
  readonly cell: (row: Row, index: number) => ReactNode
  readonly numeric?: boolean
}

export interface VirtualTableProps<Row> {
  /** Spoken, not shown. */
  readonly caption: string
  readonly columns: readonly VirtualColumn<Row>[]
  readonly rows: readonly Row[]
  readonly rowKey: (row: Row, index: number) => string
  /** Most the table may be high, in CSS pixels; it is lower when it has few rows. */
  readonly maxHeight?: number
}

const ROW = 34
const HEAD = 32

/** A data table of any length: only the rows in sight exist. Scrolls by keyboard; says its full size to screen readers. */
export function VirtualTable<Row>({ caption, columns, rows, rowKey, maxHeight = 460 }: VirtualTableProps<Row>) {
  const scroller = useRef<HTMLElement>(null)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 12,
    scrollMargin: HEAD,
  })
  const template = columns.map(column => column.width).join(' ')
  return (
    // A scrollable region must be reachable by keyboard.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: keyboard users scroll it
    <section ref={scroller} className="VirtualTable-scroll" style={{ maxHeight }} aria-label={caption} tabIndex={0}>
      <table className="VirtualTable" aria-rowcount={rows.length + 1}>
        <thead className="VirtualTable-head">
          <tr className="VirtualTable-row" style={{ gridTemplateColumns: template }}>
            {columns.map(column => (
              <th scope="col" key={column.id} className={column.numeric === true ? 'num' : undefined}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="VirtualTable-body" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(item => {
            const row = rows[item.index]
            return row === undefined ? null : (
              <tr
                key={rowKey(row, item.index)}
                aria-rowindex={item.index + 2}
                className="VirtualTable-row"
                style={{ gridTemplateColumns: template, translate: `0 ${item.start - HEAD}px`, height: ROW }}
              >
                {columns.map(column => (
                  <td key={column.id} className={column.numeric === true ? 'num' : undefined}>
                    {column.cell(row, item.index)}
                  </td>
                ))}
              </tr>
            )
          })}
        </tbody>
      </table>
    </section>
  )
}
