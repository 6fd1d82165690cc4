import { Download as DownloadIcon } from 'lucide-react'
import { useState } from 'react'
import { useStore } from 'zustand'
import type { Output } from '#shared/rpc/client.ts'
import type { ModelSource } from '#shared/rpc/methods/models.ts'
import { useClient } from '../../stores/studio.ts'
import { useQuery } from '../../stores/useQuery.ts'
import { abilityText } from '../../ui/abilityText.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatBytes } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { TextField } from '../../ui/TextField.tsx'
import { toastDone } from '../../ui/toasts.tsx'
import { TaskProgress } from '../inspect/TaskProgress.tsx'
import { type Download, downloadsOf } from './downloads.ts'
import { stateSize } from './stateSize.ts'

type Entry = Output<'models.catalogue'>['entries'][number]

/** Models that can be had: what each is good for, what it weighs, and its download. */
export function Catalogue() {
  const store = downloadsOf(useClient())
  const { downloads, start, dismiss } = useStore(store)
  const read = useQuery('models.catalogue', {}, ['models.changed', 'settings.changed'])
  const unfinished = useQuery('models.unfinished', {}, ['models.changed'])
  const [hubId, setHubId] = useState('')
  const entries = read.data?.entries ?? []
  const arrived = new Map(unfinished.data?.downloads.map(found => [found.hubId, found]))
  const others = [...new Set([...Object.keys(downloads), ...arrived.keys()])].filter(
    id => !entries.some(entry => entry.hubId === id),
  )
  const get = async (id: string, source: ModelSource) => {
    const model = await start(id, source)
    if (model !== null) toastDone('Model installed', model.name)
    unfinished.reload()
  }
  return (
    <Panel
      title="Catalogue"
      note={read.data === null ? '' : `for a machine with ${formatBytes(read.data.memoryBytes)} of memory`}
    >
      <div className="stack">
        {read.error === null ? null : (
          <ErrorPanel error={read.error} action={{ label: 'Read again', onPress: read.reload }} />
        )}
        <ul className="Catalogue">
          {entries.map(entry => (
            <li key={entry.id} className="Offer">
              <OfferText entry={entry} />
              <Progressing
                download={downloads[entry.hubId]}
                onRetry={source => void get(entry.hubId, source)}
                onDismiss={() => dismiss(entry.hubId)}
              />
              <div className="Offer-action">
                {entry.installed ? (
                  <Badge tone="ok">Installed</Badge>
                ) : (
                  <OfferAction
                    hubId={entry.hubId}
                    sources={entry.sources}
                    arrived={arrived.get(entry.hubId)}
                    download={downloads[entry.hubId]}
                    onGet={source => void get(entry.hubId, source)}
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
              <Progressing
                download={downloads[id]}
                onRetry={source => void get(id, source)}
                onDismiss={() => dismiss(id)}
              />
              <div className="Offer-action">
                <OfferAction
                  hubId={id}
                  sources={[]}
                  arrived={arrived.get(id)}
                  download={downloads[id]}
                  onGet={source => void get(id, source)}
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
            if (id !== '') void get(id, 'hub')
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
        {abilityText({ ability: entry.chats ? 'chat' : 'continue', contextLength: entry.contextLength })} ·{' '}
        {entry.architecture} · {entry.parameters} · {entry.licence} · state {stateSize(entry)}
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
  readonly download: Download | undefined
  readonly onGet: (source: ModelSource) => void
}

function OfferAction({ hubId, sources, arrived, download, onGet }: OfferActionProps) {
  if (download?.status === 'running') {
    return (
      <Button size="s" onPress={download.cancel} aria-label={`Cancel ${hubId}`}>
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

interface ProgressingProps {
  readonly download: Download | undefined
  readonly onRetry: (source: ModelSource) => void
  readonly onDismiss: () => void
}

function Progressing({ download, onRetry, onDismiss }: ProgressingProps) {
  if (download === undefined) return null
  const { status, progress, error, source } = download
  return (
    <div className="Offer-progress">
      {status === 'running' ? (
        <TaskProgress progress={progress} fallback={source === 'hub' ? 'Asking the hub' : 'Asking the package index'} />
      ) : (
        <div className="stack">
          <ErrorPanel error={error} action={{ label: 'Try again', onPress: () => onRetry(source) }} />
          <div className="row">
            <Button size="s" variant="quiet" onPress={onDismiss}>
              Dismiss
            </Button>
          </div>
        </div>
      )}
    </div>
  )
}
