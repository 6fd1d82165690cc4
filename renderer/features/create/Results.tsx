import { useNavigate } from 'react-router'
import type { Created } from '#shared/rpc/methods/packets.ts'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import { areTooMany, useVerbs } from '../../app/cartridgeVerbs.ts'
import { TooManyToAsk } from '../../app/TooManyToAsk.tsx'
import { useStudio } from '../../stores/studio.ts'
import { useRead } from '../../stores/useRead.ts'
import { useSettings } from '../../stores/useSettings.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { CartridgeCard } from '../../ui/CartridgeCard.tsx'
import { CartridgeFace } from '../../ui/CartridgeFace.tsx'
import { dotted } from '../../ui/dotted.ts'
import { Facts } from '../../ui/Facts.tsx'
import {
  formatBytes,
  formatCount,
  formatCounted,
  formatMoney,
  formatRead,
  formatSeconds,
  shortDigest,
} from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { recallFacts } from '../../ui/recall.ts'
import { useJobActions } from '../jobs/useJobActions.ts'

/** Lines that are listed of several results; the library has them all. */
const MOST_LINES = 5

/** What became of the texts that were read last: the newest in full where it is one cartridge, others on a line each. */
export function Results() {
  const { data } = useRead('jobs.list', { states: ['done'], limit: MOST_LINES }, { afresh: true })
  const read = data?.jobs.filter(({ task }) => task.kind === 'read') ?? []
  const [newest] = read
  const { data: found } = useRead('jobs.get', newest === undefined ? null : { id: newest.id })
  const { dismiss } = useJobActions()
  const navigate = useNavigate()
  const verb = useVerbs()
  if (data === undefined || newest === undefined || found === undefined || found.job.id !== newest.id) return null
  const isOne = data.total === 1
  const [created] = found.made
  const parts = newest.packetIds
  const [first, ...others] = parts
  return (
    <Panel
      title={
        isOne && found.made.length === 1
          ? 'Done'
          : `Done, ${isOne ? formatCounted(found.made.length, 'cartridge') : formatCounted(data.total, 'text')}`
      }
      note={newest.title}
      actions={
        <>
          {isOne ? null : (
            <Button size="s" onPress={() => navigate('/library')}>
              Show in the library
            </Button>
          )}
          <Button size="s" variant="quiet" onPress={() => dismiss({ states: ['done'] })}>
            Dismiss
          </Button>
        </>
      }
    >
      {created !== undefined && found.made.length === 1 ? (
        <Result created={created} />
      ) : (
        <div className="stack">
          {found.made.slice(0, MOST_LINES).map(({ cartridge }) => (
            <ResultLine key={cartridge.packetId} cartridge={cartridge} />
          ))}
          {parts.length > MOST_LINES ? (
            <p className="muted small">And {formatCount(parts.length - MOST_LINES)} more, in the library.</p>
          ) : null}
          {isOne && first !== undefined ? (
            <div>
              <Button
                variant="primary"
                isDisabled={areTooMany('ask', parts)}
                onPress={() => verb('ask', [first, ...others])}
              >
                Ask all {formatCount(parts.length)}
              </Button>
              <TooManyToAsk packetIds={parts} />
            </div>
          ) : null}
        </div>
      )}
      {(isOne && found.made.length === 1) || data.checks.checked === 0 ? null : (
        <p className="muted small">
          Together, the {formatCount(data.checks.cartridges)} that were checked recall{' '}
          <b>
            {formatCount(data.checks.recalled)} of {formatCount(data.checks.checked)}
          </b>{' '}
          of their sentences, measured.
        </p>
      )}
    </Panel>
  )
}

/** One of several results, on one line. */
function ResultLine({ cartridge }: { readonly cartridge: CartridgeSummary }) {
  const navigate = useNavigate()
  return (
    <div className="ResultLine">
      <span className="ResultLine-face">
        <CartridgeFace digest={cartridge.packetId} kind={cartridge.kind} name={cartridge.name} />
      </span>
      <b className="truncate grow">{cartridge.name}</b>
      <span className="muted small">{dotted(formatRead(cartridge.tokens), formatBytes(cartridge.bytes))}</span>
      <Button size="s" onPress={() => navigate(`/ask/${encodeURIComponent(cartridge.packetId)}`)}>
        Ask it
      </Button>
    </div>
  )
}

/** What was read, and where the rest came from. */
function readSentence({ cartridge, cacheHit, tokensProcessed, secondsReading, reused, reuseMissed }: Created): string {
  if (cacheHit) return 'nothing'
  const time = `in ${formatSeconds(secondsReading)}`
  if (reused === null)
    return [`${formatCounted(tokensProcessed, 'token')} ${time}`, reuseMissed].filter(Boolean).join('. ')
  return `${formatCount(tokensProcessed)} of ${formatCounted(cartridge.tokens, 'token')} ${time}; ${formatCount(reused.tokens)} came from ${reused.name}`
}

function Result({ created }: { readonly created: Created }) {
  const navigate = useNavigate()
  const { library } = useStudio()
  const priceId = useSettings()?.priceId
  const price = useRead('savings.prices', {}).data?.prices.find(entry => entry.id === priceId)
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
              value: `${formatBytes(cartridge.bytes)}, ${formatBytes(cartridge.bytes / Math.max(1, cartridge.tokens))} a token`,
            },
            ...recallFacts(cartridge),
            {
              label: 'Each question avoids',
              value: (
                <b>
                  {formatCounted(cartridge.tokens, 'token')}
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
        {created.notes.map(note => (
          <p key={note} className="small muted">
            {note}
          </p>
        ))}
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
