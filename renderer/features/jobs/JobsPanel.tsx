import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useRef } from 'react'
import type { Output } from '#shared/rpc/client.ts'
import type { JobState } from '#shared/rpc/methods/jobs.ts'
import { FAILED, failedJobs, type JobsStatus } from '../../stores/jobs.ts'
import { usePages } from '../../stores/usePages.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatCount } from '../../ui/format.ts'
import { SegmentedControl } from '../../ui/SegmentedControl.tsx'
import { JobRow } from './JobRow.tsx'
import { useJobActions } from './useJobActions.ts'

const VIEWS = {
  all: { label: 'All', states: null },
  failed: { label: 'Failed', states: FAILED },
  open: { label: 'To do', states: ['running', 'waiting'] },
  ended: { label: 'Ended', states: ['done', 'cancelled'] },
} as const satisfies Record<string, { readonly label: string; readonly states: readonly JobState[] | null }>
type View = keyof typeof VIEWS

const ROW = 38

const jobsOf = ({ jobs }: Output<'jobs.list'>) => jobs

interface JobsPanelProps {
  readonly id: string
  readonly status: JobsStatus
  /** Which jobs are listed; null for all. */
  readonly shown: readonly JobState[] | null
  readonly onShow: (states: readonly JobState[] | null) => void
}

/** Every job: any number of them, of which only those in sight exist. */
export function JobsPanel({ id, status, shown, onShow }: JobsPanelProps) {
  const { items, error, need } = usePages('jobs.list', shown === null ? {} : { states: [...shown] }, jobsOf)
  const total = items.length
  const { retry, dismiss } = useJobActions()
  const box = useRef<HTMLElement>(null)
  const virtual = useVirtualizer({
    count: total,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: 6,
    getItemKey: index => items[index]?.id ?? `gap ${index}`,
  })
  const visible = virtual.getVirtualItems()
  const [first, last] = [visible[0]?.index ?? 0, visible.at(-1)?.index ?? 0]
  useEffect(() => need(first, last), [need, first, last])
  const view = (Object.keys(VIEWS) as View[]).find(key => VIEWS[key].states === shown) ?? 'all'
  return (
    <div className="Tray-panel" id={id}>
      <div className="Tray-head">
        <SegmentedControl
          label="Which jobs"
          value={view}
          onChange={chosen => onShow(VIEWS[chosen].states)}
          segments={(Object.keys(VIEWS) as View[]).map(key => ({
            id: key,
            label: `${VIEWS[key].label} ${formatCount(countOf(status, VIEWS[key].states))}`,
          }))}
        />
        <span className="grow" />
        {failedJobs(status) < 2 ? null : (
          <Button size="s" onPress={() => retry({ states: [...FAILED] })}>
            Try all again
          </Button>
        )}
        {countOf(status, ['cancelled']) < 2 ? null : (
          <Button size="s" onPress={() => retry({ states: ['cancelled'] })}>
            Do all cancelled
          </Button>
        )}
        {countOf(status, ['cancelled', 'done']) === 0 ? null : (
          <Button size="s" variant="quiet" onPress={() => dismiss({ states: ['done', 'cancelled'] })}>
            Clear ended
          </Button>
        )}
      </div>
      {error === null ? null : <ErrorPanel error={error} />}
      {total === 0 ? <p className="Tray-none muted">None.</p> : null}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be reachable by keyboard */}
      <section ref={box} className="Tray-scroll" tabIndex={0} aria-label="The jobs" hidden={total === 0}>
        <ul className="Tray-list" aria-label="Jobs" style={{ height: virtual.getTotalSize() }}>
          {visible.map(({ key, index, start }) => (
            <li
              key={key}
              ref={virtual.measureElement}
              data-index={index}
              className="Tray-item"
              aria-setsize={total}
              aria-posinset={index + 1}
              style={{ translate: `0 ${start}px` }}
            >
              <JobRow job={items[index]} />
            </li>
          ))}
        </ul>
      </section>
    </div>
  )
}

function countOf({ counts }: JobsStatus, states: readonly JobState[] | null): number {
  return (states ?? (Object.keys(counts) as JobState[])).reduce((sum, state) => sum + counts[state], 0)
}
