import { errorOf } from './error.ts'

interface ServerEvent {
  readonly event?: string
  readonly data: unknown
}

/** Reads server-sent events to their end: `data` as JSON where it is. Throws what an `error` event says. */
export async function readEvents(
  body: ReadableStream<Uint8Array>,
  onEvent: (event: ServerEvent) => void,
): Promise<void> {
  const decoder = new TextDecoder()
  let held = ''
  for await (const bytes of body) {
    const blocks = `${held}${decoder.decode(bytes, { stream: true })}`.split('\n\n')
    held = blocks.pop() ?? ''
    for (const block of blocks) tell(parsed(block), onEvent)
  }
}

/** Hands an event on, or throws the failure that it tells, in the form of either kind of route. */
function tell(event: ServerEvent, onEvent: (event: ServerEvent) => void): void {
  const { data } = event
  if (typeof data === 'object' && data !== null && 'error' in data && data.error !== null) throw errorOf(data, 200)
  onEvent(event)
}

function parsed(block: string): ServerEvent {
  const fields = new Map(
    block.split('\n').map(line => {
      const colon = line.indexOf(': ')
      return [line.slice(0, colon), line.slice(colon + 2)] as const
    }),
  )
  const data = fields.get('data') ?? ''
  return { event: fields.get('event'), data: data.startsWith('{') ? JSON.parse(data) : data }
}
