import { Ban, CircleCheck, CircleDashed, Download, FileText, PackageOpen, TriangleAlert, X } from 'lucide-react'
import { useNavigate } from 'react-router'
import { progressFacts } from '#shared/figures/progressFacts.ts'
import type { JobView } from '#shared/rpc/methods/jobs.ts'
import { errorOf } from '../../stores/jobs.ts'
import { useStudio } from '../../stores/studio.ts'
import { useRead } from '../../stores/useRead.ts'
import { Button } from '../../ui/Button.tsx'
import { describeError } from '../../ui/describeError.ts'
import { DOT, dotted } from '../../ui/dotted.ts'
import { figures, formatCounted } from '../../ui/format.ts'
import { IconButton } from '../../ui/IconButton.tsx'
import { ProgressBar } from '../../ui/ProgressBar.tsx'
import { RemedyButton } from '../../ui/RemedyButton.tsx'
import { phaseOf, shareOf } from './jobWords.ts'
import { useJobActions } from './useJobActions.ts'

const ICONS = {
  waiting: CircleDashed,
  interrupted: TriangleAlert,
  failed: TriangleAlert,
  cancelled: Ban,
  done: CircleCheck,
} as const

const RUNNING = { read: FileText, download: Download, import: PackageOpen } as const

/** One job: what it is, how it stands, and what can be done about it. Undefined while its page is on the way. */
export function JobRow({ job }: { readonly job: JobView | undefined }) {
  if (job === undefined) return <div className="JobRow JobRow--gap" />
  const ending = endingOf(job)
  const Icon = job.state === 'running' ? RUNNING[job.task.kind] : ICONS[job.state]
  return (
    <div className={`JobRow JobRow--${job.state}`}>
      <Icon aria-hidden />
      <div className="JobRow-text">
        <b className="truncate">
          {job.title}
          {ending === null ? null : (
            <span className="muted">
              {DOT}
              {ending}
            </span>
          )}
        </b>
        <Standing job={job} />
      </div>
      <div className="JobRow-actions">
        <Actions job={job} />
      </div>
    </div>
  )
}

function Standing({ job }: { readonly job: JobView }) {
  const paused = useRead('jobs.status', {}).data?.paused ?? false
  const error = errorOf(job)
  if (job.state === 'running') {
    const facts = job.progress === null || paused ? [] : progressFacts(job.progress, figures)
    return (
      <>
        <ProgressBar bare label={`${job.title}: ${phaseOf(job)}`} value={shareOf(job)} />
        <span className="muted">{dotted(paused ? 'held' : phaseOf(job), ...facts)}</span>
      </>
    )
  }
  if (error !== null) {
    const { line, meaning } = describeError(error)
    return (
      <span>
        <span className="JobRow-problem">{line}</span> <span className="muted">{meaning}</span>
      </span>
    )
  }
  return null
}

/** How it stands, where that is a word or two. */
function endingOf({ state, packetIds }: JobView): string | null {
  if (state === 'waiting') return 'waiting'
  if (state === 'cancelled') return 'cancelled, nothing half-made was kept'
  if (state !== 'done') return null
  return packetIds.length < 2 ? 'done' : `done, ${formatCounted(packetIds.length, 'cartridge')}`
}

function Actions({ job }: { readonly job: JobView }) {
  const navigate = useNavigate()
  const { library } = useStudio()
  const { cancel, retry, dismiss } = useJobActions()
  const which = { ids: [job.id] }
  const [packetId] = job.packetIds
  const error = errorOf(job)
  if (job.state === 'done') {
    if (packetId === undefined) return null
    const show = () => {
      library.getState().select([packetId])
      void navigate('/library')
    }
    // What came from elsewhere may have to be trusted first.
    const [label, onPress] =
      job.task.kind === 'import' ? ['Show', show] : ['Ask', () => void navigate(`/ask/${encodeURIComponent(packetId)}`)]
    return (
      <Button size="s" variant="quiet" aria-label={`${label} ${job.title}`} onPress={onPress}>
        {label} it
      </Button>
    )
  }
  if (job.state === 'waiting' || job.state === 'running') {
    return (
      <IconButton
        label={packetId === undefined ? `Cancel ${job.title}` : `Skip the check of ${job.title}`}
        onPress={() => cancel(which)}
      >
        <X aria-hidden />
      </IconButton>
    )
  }
  const canSplit = error?.code === 'E_CONTEXT_LENGTH' && job.task.kind === 'read' && !job.task.split
  const again = () => retry({ ...which, split: canSplit })
  const label = canSplit ? 'Split it' : job.state === 'cancelled' ? `${VERBS[job.task.kind]} after all` : 'Try again'
  return (
    <>
      {error === null || canSplit ? null : <RemedyButton isQuiet action={describeError(error).action} again={again} />}
      <Button size="s" aria-label={`${label}: ${job.title}`} onPress={again}>
        {label}
      </Button>
      <IconButton label={`Dismiss ${job.title}`} onPress={() => dismiss(which)}>
        <X aria-hidden />
      </IconButton>
    </>
  )
}

const VERBS = { read: 'Read it', download: 'Get it', import: 'Import it' } as const
