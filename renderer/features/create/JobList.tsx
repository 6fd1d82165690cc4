import { useEffect, useRef } from 'react'
import { useNavigate } from 'react-router'
import { useStore } from 'zustand'
import type { Created } from '#shared/rpc/methods/packets.ts'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import type { Job } from '../../stores/createQueue.ts'
import { useStudio } from '../../stores/studio.ts'
import { useQuery } from '../../stores/useQuery.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { CartridgeCard } from '../../ui/CartridgeCard.tsx'
import { CartridgeFace } from '../../ui/CartridgeFace.tsx'
import { describeError } from '../../ui/describeError.ts'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { Facts } from '../../ui/Facts.tsx'
import {
  formatBytes,
  formatCount,
  formatEta,
  formatMoney,
  formatRate,
  formatSeconds,
  shortDigest,
} from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { ProgressBar } from '../../ui/ProgressBar.tsx'
import { recallFacts } from '../../ui/recall.ts'

/** What is being read, waits, or was read in this window, the newest first. */
export function JobList({ jobs }: { readonly jobs: readonly Job[] }) {
  const top = useRef<HTMLDivElement>(null)
  const count = jobs.length
  const before = useRef(count)
  // What was just begun is above the form that began it.
  useEffect(() => {
    if (count > before.current) top.current?.scrollIntoView({ block: 'nearest' })
    before.current = count
  }, [count])
  if (count === 0) return null
  return (
    <div className="Jobs" ref={top}>
      {jobs.toReversed().map((job, i) => (
        <JobPanel key={job.id} job={job} full={i === 0} />
      ))}
    </div>
  )
}

function JobPanel({ job, full }: { readonly job: Job; readonly full: boolean }) {
  const { createQueue } = useStudio()
  const { cancel, retry, split, dismiss } = createQueue.getState()
  if (job.status === 'done') {
    return (
      <Panel
        title={job.created.length === 1 ? 'Done' : `Done, ${job.created.length} cartridges`}
        note={job.title}
        actions={
          <Button size="s" variant="quiet" onPress={() => dismiss(job.id)}>
            Dismiss
          </Button>
        }
      >
        <div className="stack">
          {job.created.map(created =>
            full && job.created.length === 1 ? (
              <Result key={created.cartridge.packetId} created={created} />
            ) : (
              <ResultLine key={created.cartridge.packetId} cartridge={created.cartridge} />
            ),
          )}
        </div>
      </Panel>
    )
  }
  if (job.status === 'failed') {
    const tooLong = describeError(job.error).code === 'E_CONTEXT_LENGTH' && job.order.how === 'whole'
    return (
      <Panel
        title={job.title}
        actions={
          <Button size="s" variant="quiet" onPress={() => dismiss(job.id)}>
            Dismiss
          </Button>
        }
      >
        <ErrorPanel
          error={job.error}
          action={
            tooLong
              ? { label: 'Split it', onPress: () => split(job.id) }
              : { label: 'Try again', onPress: () => retry(job.id) }
          }
        />
      </Panel>
    )
  }
  const { progress } = job
  const known = progress?.done !== undefined && progress.total !== undefined && progress.total > 0
  const note = [
    ...(known
      ? [`${formatCount(progress.done ?? 0)} of ${formatCount(progress.total ?? 0)} ${progress.unit ?? ''}`.trim()]
      : []),
    ...(progress?.rate === undefined
      ? []
      : [formatRate(progress.rate, progress.unit === 'tokens' ? 'tok' : (progress.unit ?? ''))]),
    ...(progress?.etaSeconds === undefined ? [] : [formatEta(progress.etaSeconds)]),
  ].join(' · ')
  return (
    <Panel
      title={job.title}
      note={job.status === 'waiting' ? 'waiting' : job.status === 'cancelled' ? 'cancelled, nothing was kept' : null}
      actions={
        job.status === 'cancelled' ? (
          <>
            <Button size="s" onPress={() => retry(job.id)}>
              Read it after all
            </Button>
            <Button size="s" variant="quiet" onPress={() => dismiss(job.id)}>
              Dismiss
            </Button>
          </>
        ) : (
          <Button size="s" onPress={() => cancel(job.id)}>
            {job.created.length > 0 ? 'Skip the check' : 'Cancel'}
          </Button>
        )
      }
    >
      {job.status === 'running' ? (
        <ProgressBar
          label={progress?.phase ?? 'starting'}
          value={known ? (progress.done ?? 0) / (progress.total ?? 1) : null}
          note={note}
        />
      ) : null}
    </Panel>
  )
}

/** One of several results, on one line. */
function ResultLine({ cartridge }: { readonly cartridge: CartridgeSummary }) {
  const navigate = useNavigate()
  return (
    <div className="ResultLine">
      <span className="ResultLine-face">
        <CartridgeFace digest={cartridge.packetId} kind={cartridge.kind} />
      </span>
      <b className="truncate grow">{cartridge.name}</b>
      <span className="muted small">
        {formatCount(cartridge.tokens)} tok · {formatBytes(cartridge.bytes)}
      </span>
      <Button size="s" onPress={() => navigate(`/ask/${encodeURIComponent(cartridge.packetId)}`)}>
        Ask it
      </Button>
    </div>
  )
}

/** What was read, and where the rest came from. */
function readSentence({ cartridge, tokensProcessed, seconds, reused, reuseMissed }: Created): string {
  const time = `in ${formatSeconds(seconds)}`
  if (reused === null) return [`${formatCount(tokensProcessed)} tokens ${time}`, reuseMissed].filter(Boolean).join('. ')
  return `${formatCount(tokensProcessed)} of ${formatCount(cartridge.tokens)} tokens ${time}; ${formatCount(reused.tokens)} came from ${reused.name}`
}

function Result({ created }: { readonly created: Created }) {
  const navigate = useNavigate()
  const { settings, library } = useStudio()
  const priceId = useStore(settings, s => s.settings?.priceId)
  const price = useQuery('savings.prices', {}).data?.prices.find(entry => entry.id === priceId)
  const { cartridge, receipt } = created
  const address = encodeURIComponent(cartridge.packetId)
  return (
    <div className="Created">
      <CartridgeCard cartridge={cartridge} />
      <div className="stack">
        {created.cacheHit ? <Badge tone="ok">Was already here: nothing was read again</Badge> : null}
        <Facts
          caption={`How ${cartridge.name} was made`}
          facts={[
            {
              label: 'Read',
              value: readSentence(created),
            },
            {
              label: 'Size',
              value: `${formatBytes(cartridge.bytes)}, ${formatBytes(cartridge.bytes / Math.max(1, cartridge.tokens))} per token`,
            },
            ...recallFacts(cartridge),
            {
              label: 'Each question avoids',
              value: (
                <b>
                  {formatCount(cartridge.tokens)} tokens
                  {price === undefined || cartridge.tokens * price.input < 100
                    ? ''
                    : `, ${formatMoney((cartridge.tokens * price.input) / 1e6)} at ${price.label}`}
                </b>
              ),
            },
            {
              label: 'Receipt',
              value: (
                <button
                  type="button"
                  className="link mono"
                  onClick={() => navigate(`/receipts/${encodeURIComponent(receipt.receipt_id)}`)}
                >
                  {shortDigest(receipt.receipt_id)}
                </button>
              ),
            },
          ]}
        />
        <div className="row wrap">
          <Button variant="primary" onPress={() => navigate(`/ask/${address}`)}>
            Ask it
          </Button>
          <Button onPress={() => navigate(`/inspect/${address}`)}>Inspect</Button>
          <Button
            onPress={() => {
              library.getState().select([cartridge.packetId])
              void navigate('/library')
            }}
          >
            Show in the library
          </Button>
        </div>
      </div>
    </div>
  )
}
