/** The chain of receipts as a timeline, newest first. Only rows in sight exist. A broken link is drawn where it is. */

import { useVirtualizer } from '@tanstack/react-virtual'
import { Unlink } from 'lucide-react'
import { type KeyboardEvent, useEffect, useRef } from 'react'
import { Link, useLocation, useNavigate } from 'react-router'
import { receiptNumber } from '#shared/domain/receipt.ts'
import type { ReceiptView } from '#shared/rpc/methods/views.ts'
import { Badge } from '../../ui/Badge.tsx'
import { formatAgo, formatCount } from '../../ui/format.ts'
import { breaksAfterAll, breaksAt } from './breakPlace.ts'
import { figuresOf, titleOf } from './describeReceipt.ts'
import type { Receipts } from './useReceipts.ts'

export interface ChainProblem {
  /** `seq` of the first receipt that does not hold. */
  readonly index: number
  readonly reason: string
}

interface TimelineProps {
  readonly receipts: Receipts
  readonly selected: string | null
  readonly problem: ChainProblem | null
  /** Only some operations are listed. */
  readonly filtered: boolean
  /** Receipts below this `seq` were verified just now; null when none were. */
  readonly verified: number | null
  /** Scrolls there whenever the value changes. */
  readonly goTo: number | null
}

const ROW = 58

export function Timeline({ receipts, selected, problem, filtered, verified, goTo }: TimelineProps) {
  const navigate = useNavigate()
  const { search } = useLocation()
  const scroller = useRef<HTMLDivElement>(null)
  const total = receipts.total ?? 0
  const breaks = (index: number) => breaksAt(problem, { index, total, seq: receipts.at(index)?.seq, filtered })
  const virtual = useVirtualizer({
    count: total,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 10,
  })
  const items = virtual.getVirtualItems()
  const first = items[0]?.index ?? 0
  const last = items.at(-1)?.index ?? 0
  const { need } = receipts
  useEffect(() => need(first, last), [need, first, last])
  useEffect(() => {
    if (goTo !== null) virtual.scrollToIndex(goTo, { align: 'center' })
  }, [goTo, virtual])

  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step === 0) return
    event.preventDefault()
    let from = -1
    for (let index = 0; index < total && from < 0; index += 1)
      if (receipts.at(index)?.receipt_id === selected) from = index
    const next = receipts.at(Math.min(total - 1, Math.max(0, from + step)))
    if (next === undefined) return
    virtual.scrollToIndex(Math.max(0, from + step))
    navigate({ pathname: `/receipts/${encodeURIComponent(next.receipt_id)}`, search }, { replace: true })
  }

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: keyboard users scroll it and step through it
    <section ref={scroller} className="Timeline" aria-label="Receipts, newest first" tabIndex={0} onKeyDown={onKeyDown}>
      {breaksAfterAll(problem, filtered ? Number.POSITIVE_INFINITY : total) ? (
        <p className="Timeline-cut">
          <Unlink aria-hidden /> The chain breaks here: what follows was cut off or cannot be read.
        </p>
      ) : null}
      <ol style={{ height: virtual.getTotalSize() }}>
        {items.map(item => (
          <li key={item.index} style={{ translate: `0 ${item.start}px`, height: ROW }}>
            <Row
              receipt={receipts.at(item.index)}
              names={receipts.names}
              selected={selected}
              broken={breaks(item.index)}
              verified={verified}
            />
          </li>
        ))}
      </ol>
    </section>
  )
}

interface RowProps {
  readonly receipt: ReceiptView | undefined
  readonly names: Receipts['names']
  readonly selected: string | null
  readonly broken: boolean
  readonly verified: number | null
}

function Row({ receipt, names, selected, broken, verified }: RowProps) {
  const { search } = useLocation()
  if (receipt === undefined) return <span className="Timeline-row" aria-hidden />
  const state = broken ? 'broken' : verified !== null && receipt.seq < verified ? 'verified' : 'plain'
  return (
    <Link
      to={{ pathname: `/receipts/${encodeURIComponent(receipt.receipt_id)}`, search }}
      className="Timeline-row"
      data-state={state}
      data-failed={!receipt.ok || undefined}
      aria-current={receipt.receipt_id === selected || undefined}
    >
      <span className="Timeline-seq">{formatCount(receiptNumber(receipt.seq))}</span>
      <span className="Timeline-dot">
        {broken ? <Unlink role="img" aria-label="The chain is broken here" /> : null}
      </span>
      <span className="Timeline-text">
        <span className="truncate">
          <b>{titleOf(receipt)}</b> {receipt.packet_id === null ? null : names[receipt.packet_id]}
        </span>
        <span className="small muted truncate">{figuresOf(receipt)}</span>
      </span>
      {receipt.ok || broken ? null : <Badge tone="bad">failed</Badge>}
      {state === 'verified' ? <Badge tone="ok">holds</Badge> : null}
      {broken ? <Badge tone="bad">broken link</Badge> : null}
      <time className="small muted" dateTime={receipt.at}>
        {formatAgo(receipt.at)}
      </time>
    </Link>
  )
}
