import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { limitIdle } from './limitIdle.ts'
import type { Refusal, RequestHead } from './requestHead.ts'

/** How long a client may take, and how much it may say, before it is heard. Milliseconds, bytes. */
export const PATIENCE = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 120_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 5_000,
} satisfies ServerOptions

/** Connections of one client without a request: a browser keeps six. */
const MAX_IDLE = 256

/** Closes a server to what nobody honest sends: nothing here upgrades or proxies. */
export function guardServer(server: Server, maxConnections: number): void {
  server.maxConnections = maxConnections
  limitIdle(server, MAX_IDLE)
  server.on('clientError', (_error, socket: Socket) => {
    // Browsers open connections ahead of need. Who has asked nothing is told nothing: it would be taken for the answer to
    // the request that is just being sent, which is sent again where a connection ends without a word.
    if (socket.writable && socket.bytesRead > 0) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
    else socket.destroy()
  })
  server.on('upgrade', (_request, socket) => socket.destroy())
  server.on('connect', (_request, socket) => socket.destroy())
}

export interface Admission {
  /** From the head of a request alone. */
  readonly gate: (head: RequestHead) => { readonly ok: true } | Refusal
  readonly refuse: (response: ServerResponse, refusal: Refusal) => void
  readonly proceed: (incoming: IncomingMessage, outgoing: ServerResponse) => unknown
}

/** Hands requests that the gate lets in to `proceed`, before a byte of their bodies is read. */
export function admitRequests(server: Server, { gate, refuse, proceed }: Admission): void {
  const admit = (incoming: IncomingMessage, outgoing: ServerResponse, isAsking: boolean) => {
    const { method = '', url = '', rawHeaders } = incoming
    const verdict = gate({ method, url, rawHeaders })
    if (!verdict.ok) return refuse(outgoing, verdict)
    if (isAsking) outgoing.writeContinue()
    void proceed(incoming, outgoing)
  }
  server.on('request', (incoming, outgoing) => admit(incoming, outgoing, false))
  server.on('checkContinue', (incoming, outgoing) => admit(incoming, outgoing, true))
}
