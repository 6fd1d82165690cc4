import { useState } from 'react'
import { useNavigate } from 'react-router'
import { nameFromTitle } from '#shared/domain/name.ts'
import type { Output } from '#shared/rpc/client.ts'
import type { ModelView } from '#shared/rpc/methods/views.ts'
import { errorOf } from '../../stores/jobs.ts'
import { useClient } from '../../stores/studio.ts'
import { useRead } from '../../stores/useRead.ts'
import { abilityText } from '../../ui/abilityText.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { dotted } from '../../ui/dotted.ts'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatBytes, formatCount, formatSeconds, formatUnit } from '../../ui/format.ts'
import { toastError } from '../../ui/toasts.tsx'
import { TaskProgress } from '../inspect/TaskProgress.tsx'
import { useJobActions } from '../jobs/useJobActions.ts'
import { isUnderway, useDownloads } from '../models/useDownloads.ts'

type Offer = Output<'models.catalogue'>['entries'][number]

/** For an idea of how long a download takes, before any was measured. */
const ASSUMED_BYTES_PER_SECOND = 10e6
const MOST_OFFERS = 3

export interface ChatModelDialogProps {
  /** The cartridge whose text is to be read again. */
  readonly packetId: string
  readonly isOpen: boolean
  readonly onClose: () => void
}

/** A chat model in one press: what it weighs, its licence, its download; then the same text is read again with it. */
export function ChatModelDialog({ packetId, isOpen, onClose }: ChatModelDialogProps) {
  const navigate = useNavigate()
  const client = useClient()
  const { downloads, start } = useDownloads(isOpen)
  const { cancel } = useJobActions()
  const catalogue = useRead('models.catalogue', isOpen ? {} : null)
  const installed = useRead('models.list', isOpen ? {} : null)
  const cartridge = useRead('library.get', isOpen ? { ref: packetId } : null)
  const [asked, setAsked] = useState<string | null>(null)

  const chatting =
    installed.data?.models.filter(({ ability, status }) => ability === 'chat' && status === 'ready') ?? []
  const offers = offersFor(catalogue.data?.entries ?? [])
  const job = asked === null ? undefined : downloads.get(asked)
  const error = job === undefined ? null : errorOf(job)

  function readAgain(model: ModelView): void {
    if (cartridge.data === undefined) return
    const { sources, summary } = cartridge.data
    const job = {
      title: `${summary.name}, read by ${model.name}`,
      task: {
        kind: 'read' as const,
        model: model.id,
        template: model.hasChatTemplate,
        title: nameFromTitle(`${summary.name} (${model.name})`),
      },
      sources: sources.map(({ name, text }) => ({ name, text })),
    }
    client.call('jobs.add', { jobs: [job] }).catch(toastError)
    onClose()
    void navigate('/new')
  }

  return (
    <Dialog title="Get a chat model" size="m" isOpen={isOpen} onClose={onClose}>
      <p className="muted">
        It understands questions in your own words. Your text is read again with it, on this machine; the cartridge you
        have stays.
      </p>
      {catalogue.error === null ? null : (
        <ErrorPanel error={catalogue.error} action={{ label: 'Read again', onPress: () => void catalogue.refetch() }} />
      )}
      {chatting.length === 0 ? null : (
        <ul className="ChatModels" aria-label="Chat models that are here">
          {chatting.map(model => (
            <li key={model.id}>
              <div>
                <h3>{model.name}</h3>
                <p className="small muted">{abilityText(model)}</p>
              </div>
              <Button
                size="s"
                variant="primary"
                isDisabled={cartridge.data === undefined || cartridge.data.sources.length === 0}
                onPress={() => readAgain(model)}
              >
                Read this text with it
              </Button>
            </li>
          ))}
        </ul>
      )}
      <ul className="ChatModels" aria-label="Chat models to get">
        {offers.map(offer => (
          <li key={offer.id}>
            <div>
              <h3>{offer.hubId.split('/').at(-1)}</h3>
              <p className="small">{offer.goodFor}</p>
              <p className="small muted">
                {dotted(
                  offer.licence,
                  `${offer.parameters} parameters`,
                  abilityText({ ability: 'chat', contextLength: offer.contextLength }),
                )}
              </p>
            </div>
            <div className="ChatModels-get">
              {offer.sources.map(({ kind, bytes, place, precision }) => (
                <Button
                  key={kind}
                  size="s"
                  isDisabled={isUnderway(downloads.get(offer.hubId))}
                  onPress={() => {
                    setAsked(offer.hubId)
                    start(offer.hubId, kind)
                  }}
                  aria-label={`Get ${offer.hubId}, ${formatBytes(bytes)} (${precision}) from ${place}`}
                >
                  {formatBytes(bytes)} from {place}
                </Button>
              ))}
              <span className="small muted">{timeOf(offer)}</span>
            </div>
          </li>
        ))}
      </ul>
      {isUnderway(job) ? (
        <div className="row">
          <div className="grow">
            <TaskProgress progress={job.progress} fallback="Asking for it" />
          </div>
          <Button size="s" onPress={() => cancel({ ids: [job.id] })}>
            Cancel
          </Button>
        </div>
      ) : null}
      {error === null ? null : <ErrorPanel error={error} />}
    </Dialog>
  )
}

/** The smallest that fit here and that anybody may get without an account. */
function offersFor(entries: readonly Offer[]): readonly Offer[] {
  const least = ({ sources }: Offer) => Math.min(...sources.map(({ bytes }) => bytes))
  return entries
    .filter(
      ({ chats, fits, installed, licence }) => chats && fits === 'yes' && !installed && !licence.includes('HF_TOKEN'),
    )
    .toSorted((a, b) => least(a) - least(b))
    .slice(0, MOST_OFFERS)
}

function timeOf({ sources }: Offer): string {
  const times = sources.map(({ bytes }) => {
    const seconds = Math.ceil(bytes / ASSUMED_BYTES_PER_SECOND)
    return seconds < 100 ? formatUnit(formatCount(seconds), 's') : formatSeconds(seconds)
  })
  // An assumption and what follows from it, in round figures.
  return `about ${times.join(' or ')} at ${formatUnit(formatCount(ASSUMED_BYTES_PER_SECOND / 1e6), 'MB/s')}`
}
