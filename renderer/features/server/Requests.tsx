import type { ServerRequest } from '#shared/rpc/methods/server.ts'
import { Badge } from '../../ui/Badge.tsx'
import { formatClock, formatCount, formatSeconds } from '../../ui/format.ts'
import { Table } from '../../ui/Table.tsx'

/** How a request is noted whose caller went away. */
const HUNG_UP = 499

/** Each request with what of its prompt was known and why not more, or why it was refused. */
export function Requests({ log }: { readonly log: readonly ServerRequest[] }) {
  return (
    <div className="Server-log">
      <Table
        caption="Requests to the server"
        rows={log}
        rowKey={({ id }) => String(id)}
        columns={[
          { id: 'at', title: 'When', cell: ({ at }) => formatClock(at) },
          {
            id: 'route',
            title: 'Request, and what was known of it',
            cell: request => (
              <>
                <span className="mono">{request.route}</span>
                <p className="Server-why">{why(request)}</p>
              </>
            ),
          },
          { id: 'status', title: 'Status', cell: request => <Status {...request} /> },
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
        ]}
      />
    </div>
  )
}

function Status({ status, error }: Pick<ServerRequest, 'status' | 'error'>) {
  if (status === null) return <Badge tone="accent">running</Badge>
  if (status === HUNG_UP) return <Badge tone="warn">hung up</Badge>
  // A streamed answer has its status before it fails.
  if (status < 400 && error !== null) return <Badge tone="bad">cut short</Badge>
  return <Badge tone={status < 400 ? 'ok' : 'bad'}>{String(status)}</Badge>
}

function why({ wasRefused, status, error, tokens, reused, missed }: ServerRequest): string {
  if (status === HUNG_UP) return 'The program hung up before it had its answer.'
  if (error !== null) return wasRefused ? `Not let in. The caller was told: ${error.message}` : error.message
  if (tokens === null) return ''
  const known = reused === null ? 'Nothing known begins alike for long enough.' : `Goes on from ${reused}.`
  if (missed === null) return known
  return reused === null ? missed.replace(/^./, first => first.toUpperCase()) : `${known} Not further: ${missed}`
}
