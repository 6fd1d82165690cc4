import { ChevronDown, ChevronUp, Pause, Play, TriangleAlert } from 'lucide-react'
import { useEffect, useId, useRef, useState } from 'react'
import { progressFacts } from '#shared/figures/progressFacts.ts'
import type { JobState } from '#shared/rpc/methods/jobs.ts'
import { endedBadly, failedJobs, type JobsStatus, needsTray, openJobs } from '../../stores/jobs.ts'
import { useRead } from '../../stores/useRead.ts'
import { Button } from '../../ui/Button.tsx'
import { dotted } from '../../ui/dotted.ts'
import { figures, formatCount, formatEta } from '../../ui/format.ts'
import { IconButton } from '../../ui/IconButton.tsx'
import { ProgressBar } from '../../ui/ProgressBar.tsx'
import { JobsPanel } from './JobsPanel.tsx'
import { phaseOf } from './jobWords.ts'
import { useDoneToast } from './useDoneToast.ts'
import { useJobActions } from './useJobActions.ts'
import './jobs.css'

/** The engine's line of long work, below every page: how far it is, what went wrong, and what can be done about it. */
export function JobsTray() {
  const status = useRead('jobs.status', {}).data
  const [isOpen, setOpen] = useState(false)
  const [shown, setShown] = useState<readonly JobState[] | null>(null)
  const before = useRef(status)
  const { pause, cancel } = useJobActions()
  const panel = useId()
  useDoneToast(status)
  useEffect(() => {
    // What goes wrong is shown where one is; opening takes no focus.
    if (before.current !== undefined && status !== undefined && endedBadly(before.current, status)) setOpen(true)
    before.current = status
  }, [status])
  if (status === undefined || !needsTray(status)) return null
  const { counts, paused, round, elsewhere } = status
  const open = openJobs(status)
  const failed = failedJobs(status)
  return (
    <section className="Tray" aria-label="Jobs">
      {isOpen ? <JobsPanel id={panel} status={status} shown={shown} onShow={setShown} /> : null}
      <div className="Tray-bar">
        {open === 0 ? null : (
          <div className="Tray-progress">
            <ProgressBar label={titleOf(status)} value={round.share} note={dotted(...notesOf(status))} />
          </div>
        )}
        {failed === 0 ? null : (
          <span className="Tray-problems" role="status">
            <TriangleAlert aria-hidden />
            {formatCount(failed)} failed
          </span>
        )}
        {open === 0 && counts.cancelled > 0 ? (
          <span className="Tray-ended">{formatCount(counts.cancelled)} cancelled</span>
        ) : null}
        {open === 0 ? <span className="grow" /> : null}
        {open === 0 || elsewhere ? null : (
          <>
            <IconButton label={paused ? 'Resume jobs' : 'Pause jobs'} onPress={() => pause(!paused)}>
              {paused ? <Play aria-hidden /> : <Pause aria-hidden />}
            </IconButton>
            <Button size="s" onPress={() => cancel({ states: ['waiting', 'running'] })}>
              {open === 1 ? cancelWord(status) : 'Cancel all'}
            </Button>
          </>
        )}
        <IconButton
          label={isOpen ? 'Hide jobs' : 'Show jobs'}
          aria-expanded={isOpen}
          aria-controls={isOpen ? panel : undefined}
          onPress={() => setOpen(!isOpen)}
        >
          {isOpen ? <ChevronDown aria-hidden /> : <ChevronUp aria-hidden />}
        </IconButton>
      </div>
    </section>
  )
}

/** `3 of 500: report.pdf`, or the title alone where there is one. */
function titleOf({ running, round, paused, elsewhere, counts }: JobsStatus): string {
  const [first] = running
  const name = first?.title ?? (counts.waiting === 1 ? '1 to do' : `${formatCount(counts.waiting)} to do`)
  const state = elsewhere ? 'At work in another window: ' : paused ? 'Paused: ' : ''
  const place =
    round.total > 1 && first !== undefined
      ? `${formatCount(Math.min(round.total, round.ended + 1))} of ${formatCount(round.total)}`
      : null
  return `${state}${dotted(place, name)}`
}

function notesOf({ running, round, etaSeconds, paused }: JobsStatus): string[] {
  const [first] = running
  if (first === undefined || paused) return []
  const { rate, ...progress } = first.progress ?? { phase: '' }
  const eta = etaSeconds === null ? [] : [formatEta(etaSeconds)]
  const facts = progressFacts({ ...progress, rate, etaSeconds: undefined }, figures)
  // Of many, how fast and how long still is what counts.
  return [phaseOf(first), ...(round.total > 1 ? facts.slice(-1) : facts), ...eta]
}

/** A cartridge that is there already stays: only its check is stopped. */
function cancelWord({ running }: JobsStatus): string {
  return (running[0]?.packetIds.length ?? 0) > 0 ? 'Skip the check' : 'Cancel'
}
