import type { ServerRequest } from '#shared/rpc/methods/server.ts'
import { Badge } from '../../ui/Badge.tsx'
import { formatCount, formatSeconds } from '../../ui/format.ts'
import { Table } from '../../ui/Table.tsx'

const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })

/** Each request with what of its prompt was known, and why not more. */
export function Requests({ log }: { readonly log: readonly ServerRequest[] }) {
  return (
    <div className="Server-log">
      <Table
        caption="Requests to the server"
        rows={log}
        rowKey={({ id }) => String(id)}
        columns={[
          { id: 'at', title: 'When', cell: ({ at }) => clock.format(new Date(at)) },
          { id: 'route', title: 'Request', cell: ({ route }) => <span className="mono">{route}</span> },
          { id: 'status', title: 'Status', cell: ({ status }) => <Status status={status} /> },
          {
            id: 'seconds',
            title: 'Took',
            numeric: true,
            cell: ({ seconds }) => (seconds === null ? '' : formatSeconds(seconds)),
          },
          {
            id: 'prompt',
            title: 'Prompt',
            numeric: true,
            cell: ({ tokens }) => (tokens === null ? '' : formatCount(tokens.prompt)),
          },
          {
            id: 'spared',
            title: 'Spared',
            numeric: true,
            cell: ({ tokens }) => (tokens === null ? '' : formatCount(tokens.spared)),
          },
          { id: 'why', title: 'Why', cell: request => <span className="Server-why">{why(request)}</span> },
        ]}
      />
    </div>
  )
}

function Status({ status }: Pick<ServerRequest, 'status'>) {
  if (status === null) return <Badge tone="accent">running</Badge>
  if (status === 499) return <Badge tone="warn">hung up</Badge>
  return <Badge tone={status < 400 ? 'ok' : 'bad'}>{String(status)}</Badge>
}

function why({ tokens, reused, missed }: ServerRequest): string {
  if (tokens === null) return ''
  const known = reused === null ? 'Nothing known begins alike for long enough.' : `Goes on from ${reused}.`
  if (missed === null) return known
  return reused === null ? missed.replace(/^./, first => first.toUpperCase()) : `${known} Not further: ${missed}`
}
