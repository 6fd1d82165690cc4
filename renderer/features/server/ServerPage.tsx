/** Server: the HTTP API of this Studio for programs: on or off, who asks, what known states spare them, and how to connect. */
import type { ServerStatus } from '#shared/rpc/methods/server.ts'
import { Page } from '../../app/Page.tsx'
import { useRead } from '../../stores/useRead.ts'
import { useSettings } from '../../stores/useSettings.ts'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatCount, formatPercent, formatSeconds, formatTokens } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { Stat } from '../../ui/Stat.tsx'
import { Listening } from './Listening.tsx'
import { Requests } from './Requests.tsx'
import { Snippets } from './Snippets.tsx'
import './server.css'

export function ServerPage() {
  const model = useSettings()?.defaultModel
  const read = useRead('server.status', {})
  return (
    <Page title="Server">
      {read.error === null ? null : (
        <ErrorPanel error={read.error} action={{ label: 'Read again', onPress: () => void read.refetch() }} />
      )}
      {read.data === undefined ? (
        <p className="muted" role="status">
          Looking whether the server runs …
        </p>
      ) : (
        <>
          <Listening status={read.data} onChange={() => read.refetch()} />
          <Figures status={read.data} />
          <Panel title="Requests" note={read.data.log.length === 0 ? undefined : 'newest first'}>
            {read.data.log.length === 0 ? (
              <p className="muted">
                {read.data.address === null
                  ? 'Start the server, and every request shows here with what it was spared.'
                  : 'Nobody has asked yet. The snippets below do.'}
              </p>
            ) : (
              <Requests log={read.data.log} />
            )}
          </Panel>
          <Panel title="Connect" note="These work as they stand while the server runs">
            <Snippets status={read.data} model={model ?? 'starter-transformer'} />
          </Panel>
        </>
      )}
    </Page>
  )
}

function Figures({
  status: { agents, requests, refused, running, tokens, latency },
}: {
  readonly status: ServerStatus
}) {
  const { prompt, spared } = tokens
  return (
    <div className="Server-figures">
      <div className="Stats">
        <Stat label="Agents now" value={formatCount(agents)} note="callers of the last minute" />
        <Stat
          label="Requests"
          value={formatCount(requests)}
          note={`${formatCount(running)} running${refused === 0 ? '' : `, ${formatCount(refused)} not let in`}`}
        />
        <Stat
          label="Hit rate"
          value={prompt === 0 ? '—' : formatPercent((spared / prompt) * 100)}
          note={prompt === 0 ? 'of prompt tokens' : `of ${formatTokens(prompt)} prompt tokens`}
        />
        <Stat label="Tokens spared" value={formatTokens(spared)} note="known, so not read again" />
        <Stat
          label="Latency"
          value={latency === null ? '—' : formatSeconds(latency.p50)}
          note={latency === null ? 'median' : `median; p99 ${formatSeconds(latency.p99)}`}
        />
      </div>
    </div>
  )
}
