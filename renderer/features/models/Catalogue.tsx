import { Download as DownloadIcon } from 'lucide-react'
import { useState } from 'react'
import { useStore } from 'zustand'
import type { Output } from '#shared/rpc/client.ts'
import { useClient } from '../../stores/studio.ts'
import { useQuery } from '../../stores/useQuery.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatBytes, formatCount } from '../../ui/format.ts'
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
  const arrived = new Map(unfinished.data?.downloads.map(({ hubId, bytes }) => [hubId, bytes]))
  const others = [...new Set([...Object.keys(downloads), ...arrived.keys()])].filter(
    id => !entries.some(entry => entry.hubId === id),
  )
  const get = async (id: string) => {
    if ((await start(id)) === 'done') toastDone('Model installed', id)
    unfinished.reload()
  }
  return (
    <Panel title="Catalogue" note={read.data === null ? '' : `from ${new URL(read.data.endpoint).host}`}>
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
                onRetry={() => void get(entry.hubId)}
                onDismiss={() => dismiss(entry.hubId)}
              />
              <div className="Offer-action">
                {entry.installed ? (
                  <Badge tone="ok">Installed</Badge>
                ) : (
                  <OfferAction
                    hubId={entry.hubId}
                    bytes={entry.downloadBytes}
                    arrived={arrived.get(entry.hubId)}
                    download={downloads[entry.hubId]}
                    onGet={() => void get(entry.hubId)}
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
              <Progressing download={downloads[id]} onRetry={() => void get(id)} onDismiss={() => dismiss(id)} />
              <div className="Offer-action">
                <OfferAction hubId={id} arrived={arrived.get(id)} download={downloads[id]} onGet={() => void get(id)} />
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
            if (id !== '') void get(id)
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

function OfferText({ entry }: { readonly entry: Entry }) {
  return (
    <div className="Offer-text">
      <h3>{entry.hubId}</h3>
      <p className="small">{entry.goodFor}</p>
      <p className="small muted">
        {entry.architecture} · {entry.parameters} · {entry.licence} · state {stateSize(entry)} ·{' '}
        {entry.contextLength === null ? 'any length' : `${formatCount(entry.contextLength)} tokens`}
      </p>
    </div>
  )
}

interface OfferActionProps {
  readonly hubId: string
  /** What the whole download weighs, where that is known. */
  readonly bytes?: number
  /** Bytes of an interrupted download that are here already. */
  readonly arrived: number | undefined
  readonly download: Download | undefined
  readonly onGet: () => void
}

function OfferAction({ hubId, bytes, arrived, download, onGet }: OfferActionProps) {
  if (download?.status === 'running') {
    return (
      <Button size="s" onPress={download.cancel} aria-label={`Cancel ${hubId}`}>
        Cancel
      </Button>
    )
  }
  if (arrived !== undefined) {
    const here = `${formatBytes(arrived)}${bytes === undefined ? '' : ` of ${formatBytes(bytes)}`} here`
    return (
      <div className="Offer-continue">
        <Button size="s" icon={<DownloadIcon aria-hidden />} onPress={onGet} aria-label={`Continue ${hubId}, ${here}`}>
          Continue
        </Button>
        <span className="small muted">{here}</span>
      </div>
    )
  }
  if (bytes === undefined) return null
  return (
    <Button
      size="s"
      icon={<DownloadIcon aria-hidden />}
      onPress={onGet}
      aria-label={`${formatBytes(bytes)}, download ${hubId}`}
    >
      {formatBytes(bytes)}
    </Button>
  )
}

interface ProgressingProps {
  readonly download: Download | undefined
  readonly onRetry: () => void
  readonly onDismiss: () => void
}

function Progressing({ download, onRetry, onDismiss }: ProgressingProps) {
  if (download === undefined) return null
  return (
    <div className="Offer-progress">
      {download.status === 'running' ? (
        <TaskProgress progress={download.progress} fallback="Asking the hub" />
      ) : (
        <div className="stack">
          <ErrorPanel error={download.error} action={{ label: 'Try again', onPress: onRetry }} />
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
