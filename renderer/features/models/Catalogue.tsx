import { Download as DownloadIcon } from 'lucide-react'
import { useState } from 'react'
import type { Output } from '#shared/rpc/client.ts'
import type { JobView } from '#shared/rpc/methods/jobs.ts'
import type { ModelSource } from '#shared/rpc/methods/models.ts'
import { errorOf } from '../../stores/jobs.ts'
import { useRead } from '../../stores/useRead.ts'
import { abilityText } from '../../ui/abilityText.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { dotted } from '../../ui/dotted.ts'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatBytes } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { TextField } from '../../ui/TextField.tsx'
import { TaskProgress } from '../inspect/TaskProgress.tsx'
import { useJobActions } from '../jobs/useJobActions.ts'
import { stateSize } from './stateSize.ts'
import { isUnderway, useDownloads } from './useDownloads.ts'

type Entry = Output<'models.catalogue'>['entries'][number]

/** Models that can be had: what each is good for, what it weighs, and its download. */
export function Catalogue() {
  const { downloads, start } = useDownloads()
  const read = useRead('models.catalogue', {})
  const unfinished = useRead('models.unfinished', {})
  const [hubId, setHubId] = useState('')
  const entries = read.data?.entries ?? []
  const arrived = new Map(unfinished.data?.downloads.map(found => [found.hubId, found]))
  const others = [...new Set([...downloads.keys(), ...arrived.keys()])].filter(
    id => !entries.some(entry => entry.hubId === id),
  )
  return (
    <Panel
      title="Catalogue"
      note={read.data === undefined ? '' : `for a machine with ${formatBytes(read.data.memoryBytes)} of memory`}
    >
      <div className="stack">
        {read.error === null ? null : (
          <ErrorPanel error={read.error} action={{ label: 'Read again', onPress: () => void read.refetch() }} />
        )}
        <ul className="Catalogue">
          {entries.map(entry => (
            <li key={entry.id} className="Offer">
              <OfferText entry={entry} />
              <Progressing job={downloads.get(entry.hubId)} />
              <div className="Offer-action">
                {entry.installed ? (
                  <Badge tone="ok">Installed</Badge>
                ) : (
                  <OfferAction
                    hubId={entry.hubId}
                    sources={entry.sources}
                    arrived={arrived.get(entry.hubId)}
                    job={downloads.get(entry.hubId)}
                    onGet={source => start(entry.hubId, source)}
                  />
                )}
              </div>
            </li>
          ))}
          {others.map(id => (
            <li key={id} className="Offer">
              <div className="Offer-text">
                <h3>{id}</h3>
              </div>
              <Progressing job={downloads.get(id)} />
              <div className="Offer-action">
                <OfferAction
                  hubId={id}
                  sources={[]}
                  arrived={arrived.get(id)}
                  job={downloads.get(id)}
                  onGet={source => start(id, source)}
                />
              </div>
            </li>
          ))}
        </ul>
        <form
          className="HubForm"
          onSubmit={event => {
            event.preventDefault()
            const id = hubId.trim()
            setHubId('')
            if (id !== '') start(id, 'hub')
          }}
        >
          <TextField
            label="Another model of the hub"
            mono
            placeholder="owner/name"
            value={hubId}
            onChange={setHubId}
            hint="GPT-2, Llama, Mistral, Qwen 2 and 3, Mamba and Mamba-2 checkpoints in safetensors, with their tokenizer."
          />
          <Button
            type="submit"
            icon={<DownloadIcon aria-hidden />}
            isDisabled={!/^[\w.-]+\/[\w.-]+$/.test(hubId.trim())}
          >
            Download
          </Button>
        </form>
      </div>
    </Panel>
  )
}

const FITS = { yes: null, quantised: 'Needs int8 or int4 weights here', no: 'Too large for this machine' } as const

function OfferText({ entry }: { readonly entry: Entry }) {
  const tight = FITS[entry.fits]
  return (
    <div className="Offer-text">
      <h3>{entry.hubId}</h3>
      <p className="small">{entry.goodFor}</p>
      <p className="small muted">
        {dotted(
          abilityText({ ability: entry.chats ? 'chat' : 'continue', contextLength: entry.contextLength }),
          entry.architecture,
          entry.parameters,
          entry.licence,
          `state ${stateSize(entry)}`,
        )}
      </p>
      {tight === null ? null : (
        <p>
          <Badge tone={entry.fits === 'no' ? 'bad' : 'warn'}>{tight}</Badge>
        </p>
      )}
    </div>
  )
}

interface OfferActionProps {
  readonly hubId: string
  /** What it weighs where it is known to be; of a model that is not in the catalogue nothing is known. */
  readonly sources: Entry['sources']
  /** Of an interrupted download. */
  readonly arrived: Output<'models.unfinished'>['downloads'][number] | undefined
  readonly job: JobView | undefined
  readonly onGet: (source: ModelSource) => void
}

function OfferAction({ hubId, sources, arrived, job, onGet }: OfferActionProps) {
  const { cancel } = useJobActions()
  if (isUnderway(job)) {
    return (
      <Button size="s" onPress={() => cancel({ ids: [job.id] })} aria-label={`Cancel ${hubId}`}>
        Cancel
      </Button>
    )
  }
  if (arrived !== undefined) {
    const whole = sources.find(({ kind }) => kind === arrived.source)?.bytes
    const here = `${formatBytes(arrived.bytes)}${whole === undefined ? '' : ` of ${formatBytes(whole)}`} here`
    return (
      <div className="Offer-source">
        <Button
          size="s"
          icon={<DownloadIcon aria-hidden />}
          onPress={() => onGet(arrived.source)}
          aria-label={`Continue ${hubId}, ${here}`}
        >
          Continue
        </Button>
        <span className="small muted">{here}</span>
      </div>
    )
  }
  return (
    <div className="Offer-sources">
      {sources.map(({ kind, place, bytes, precision }) => (
        <div key={kind} className="Offer-source">
          <Button
            size="s"
            icon={<DownloadIcon aria-hidden />}
            onPress={() => onGet(kind)}
            aria-label={`${formatBytes(bytes)}, download ${hubId} from ${place}`}
          >
            {formatBytes(bytes)}
          </Button>
          <span className="small muted">
            {precision}, {place}
          </span>
        </div>
      ))}
    </div>
  )
}

/** A job that fetches a model, where its model is offered: how far it is, or why it is not here. */
function Progressing({ job }: { readonly job: JobView | undefined }) {
  const { retry, dismiss } = useJobActions()
  const error = job === undefined ? null : errorOf(job)
  if (job === undefined || (error === null && !isUnderway(job))) return null
  const which = { ids: [job.id] }
  return (
    <div className="Offer-progress">
      {error === null ? (
        <TaskProgress progress={job.progress} fallback="Waiting for its turn" />
      ) : (
        <div className="stack">
          <ErrorPanel error={error} action={{ label: 'Try again', onPress: () => retry(which) }} />
          <div className="row">
            <Button size="s" variant="quiet" onPress={() => dismiss(which)}>
              Dismiss
            </Button>
          </div>
        </div>
      )}
    </div>
  )
}
