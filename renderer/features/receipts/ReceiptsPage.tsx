/** Receipts: the chain as a timeline, filters, details, and a check of the whole log that shows a break where it is. */
import { Download, ReceiptText, ShieldCheck } from 'lucide-react'
import { useState } from 'react'
import { useNavigate, useParams, useSearchParams } from 'react-router'
import { Page } from '../../app/Page.tsx'
import { read } from '../../stores/read.ts'
import { useStudio } from '../../stores/studio.ts'
import { useTask } from '../../stores/useTask.ts'
import { Button } from '../../ui/Button.tsx'
import { Chip } from '../../ui/Chip.tsx'
import { CopyButton } from '../../ui/CopyButton.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatCount, formatSeconds, shortDigest } from '../../ui/format.ts'
import { operationKind } from '../../ui/operationWords.ts'
import { saveFile } from '../../ui/saveFile.ts'
import { toastDone, toastError } from '../../ui/toasts.tsx'
import { TaskProgress } from '../inspect/TaskProgress.tsx'
import { BeginLogDialog } from './BeginLogDialog.tsx'
import { breaksAfterAll } from './breakPlace.ts'
import { ReceiptDetails } from './ReceiptDetails.tsx'
import { Timeline } from './Timeline.tsx'
import { useReceipts } from './useReceipts.ts'
import './receipts.css'

export function ReceiptsPage() {
  const { id } = useParams()
  const navigate = useNavigate()
  const { client, queries } = useStudio()
  const [search, setSearch] = useSearchParams()
  const about = search.get('packet')
  const [chosenOp, setChosenOp] = useState<string | null>(null)
  const op = about === null ? chosenOp : null
  const [goTo, setGoTo] = useState<number | null>(null)
  const receipts = useReceipts({ op, packetId: about })
  const check = useTask('receipts.verify')
  const [closing, setClosing] = useState(false)
  const problem = check.result?.problem ?? null
  // Until one is chosen, the newest is open.
  const shown = id ?? receipts.at(0)?.receipt_id
  const isFiltered = op !== null || about !== null
  /** Of one operation, of all, or of one cartridge: one thing at a time. */
  const setOp = (next: string | null) => {
    setChosenOp(next)
    if (about !== null) setSearch({}, { replace: true })
  }
  const all = Object.values(receipts.ops).reduce((sum, count) => sum + count, 0)

  const save = async () => {
    try {
      const { fileName, bytes } = await client.call('receipts.export', {})
      saveFile(fileName, bytes)
      toastDone('Receipts exported', fileName)
    } catch (error) {
      toastError(error)
    }
  }
  const showProblem = async () => {
    if (problem === null) return
    setOp(null)
    setGoTo(null)
    if (breaksAfterAll(problem, all)) return setGoTo(0)
    try {
      const answer = await queries.query(read('receipts.list', { ascending: true, offset: problem.index, limit: 1 }))
      const broken = answer.receipts[0]
      if (broken === undefined) return
      setGoTo(answer.total - 1 - problem.index)
      navigate(`/receipts/${encodeURIComponent(broken.receipt_id)}`)
    } catch (error) {
      toastError(error)
    }
  }

  return (
    <Page
      title="Receipts"
      fill
      actions={
        <>
          <Button icon={<Download aria-hidden />} isDisabled={all === 0} onPress={() => void save()}>
            Export
          </Button>
          <Button
            variant="primary"
            icon={<ShieldCheck aria-hidden />}
            isPending={check.status === 'running'}
            onPress={() => void check.run({})}
          >
            Verify all
          </Button>
        </>
      }
    >
      <div className="Receipts-bar">
        {about === null ? null : (
          <Chip selected onChange={() => setOp(null)} count={receipts.total ?? undefined}>
            <span className="truncate Receipts-about">{receipts.names[about] ?? shortDigest(about)}</span>
          </Chip>
        )}
        <Chip selected={!isFiltered} onChange={() => setOp(null)} count={all}>
          All
        </Chip>
        {Object.entries(receipts.ops)
          .filter(([, count]) => count > 0)
          .map(([name, count]) => (
            <Chip key={name} selected={op === name} onChange={on => setOp(on ? name : null)} count={count}>
              {operationKind(name)}
            </Chip>
          ))}
      </div>
      {check.status === 'running' ? (
        <div className="Receipts-check">
          <TaskProgress progress={check.progress} fallback="Checking every signature and link" />
          <Button size="s" onPress={check.cancel}>
            Cancel
          </Button>
        </div>
      ) : null}
      {check.status === 'failed' ? (
        <ErrorPanel error={check.error} action={{ label: 'Check again', onPress: () => void check.run({}) }} />
      ) : null}
      {check.result === null ? null : (
        <div className="Receipts-note Receipts-result" data-tone={check.result.ok ? 'ok' : 'bad'} role="status">
          {check.result.ok ? (
            <span>
              All {formatCount(check.result.count)} receipts hold: signatures, order, nothing missing. Checked in{' '}
              {formatSeconds(check.result.seconds)}. Root{' '}
              <span className="mono">{shortDigest(check.result.rootHash)}</span>
            </span>
          ) : (
            <span>
              {problem === null
                ? 'The log does not hold.'
                : `The chain breaks. ${problem.reason} The ${formatCount(check.result.verified)} before it hold.`}
            </span>
          )}
          <span className="grow" />
          {problem === null ? (
            <span className="row">
              Copy checkpoint{' '}
              <CopyButton text={check.result.checkpoint} label="Copy checkpoint, to keep outside the store" />
            </span>
          ) : (
            <span className="row">
              <Button size="s" onPress={() => void showProblem()}>
                Show the broken link
              </Button>
              <Button size="s" onPress={() => setClosing(true)}>
                Begin a new log
              </Button>
            </span>
          )}
        </div>
      )}
      {receipts.error === null ? null : (
        <ErrorPanel error={receipts.error} action={{ label: 'Read again', onPress: receipts.reload }} />
      )}
      {receipts.total === 0 && !isFiltered ? (
        <EmptyState
          icon={<ReceiptText />}
          title="No receipts yet"
          actions={
            <Button variant="primary" onPress={() => navigate('/new')}>
              New cartridge
            </Button>
          }
        >
          Every operation leaves a signed receipt: what was read, what was written, what it saved. Each names the one
          before it, so nothing can be changed or removed unseen.
        </EmptyState>
      ) : (
        <div className="Receipts">
          <Timeline
            key={`${op} ${about}`}
            receipts={receipts}
            selected={shown ?? null}
            problem={problem}
            filtered={isFiltered}
            verified={check.result === null ? null : (problem?.index ?? check.result.count)}
            goTo={goTo}
          />
          <aside className="Panel Receipts-details" aria-label="Receipt">
            {shown === undefined ? null : <ReceiptDetails key={shown} id={shown} problem={problem} />}
          </aside>
        </div>
      )}
      {closing ? (
        <BeginLogDialog
          onClose={() => setClosing(false)}
          onBegun={() => {
            check.reset()
            receipts.reload()
          }}
        />
      ) : null}
    </Page>
  )
}
