/** A hub on this machine that keeps the published interface and misbehaves on request. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

export interface Fault {
  /** Answer with this status instead. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Send everything although a part was asked for. */
  readonly ignoreRange?: boolean
  /** End the connection after so many bytes of the body. */
  readonly cutAfter?: number
  /** Say nothing more after so many bytes of the body. */
  readonly stallAfter?: number
  /** Promise only as many bytes as are sent: the end looks like a proper one. */
  readonly quietly?: boolean
  /** Flip a bit of this byte of the file. */
  readonly flip?: number
  /** Append bytes to the file. */
  readonly extra?: number
  /** Never answer. */
  readonly silent?: boolean
}

export interface SeenRequest {
  readonly path: string
  readonly authorization: string | undefined
  readonly range: string | undefined
  /** First byte of the file that was sent, and how many were. */
  start: number
  sent: number
}

export interface HubServer {
  readonly endpoint: string
  readonly host: string
  readonly requests: SeenRequest[]
  /** Requests of files (not lists), of those whose path ends so. */
  of(end: string): SeenRequest[]
  /** Decides what goes wrong with a request; `count` is how many there were of this file before. */
  fault: (path: string, count: number) => Fault | undefined
  files: Map<string, Map<string, Uint8Array>>
  close(): Promise<void>
}

type Files = Readonly<Record<string, Uint8Array>>

export async function startHub(repositories: Readonly<Record<string, Files>>): Promise<HubServer> {
  const open = new Set<ServerResponse>()
  const server = createServer((request, response) => {
    open.add(response)
    response.on('close', () => open.delete(response))
    answer(request, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const hub: HubServer = {
    endpoint: `http://127.0.0.1:${address.port}`,
    host: `127.0.0.1:${address.port}`,
    requests: [],
    of: end => hub.requests.filter(({ path }) => path.includes('/resolve/') && path.endsWith(end)),
    fault: () => undefined,
    files: new Map(Object.entries(repositories).map(([id, files]) => [id, new Map(Object.entries(files))])),
    close: async () => {
      for (const response of open) response.destroy()
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }

  function answer({ url = '/', headers }: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(new URL(url, hub.endpoint).pathname)
    const { authorization, range } = headers
    const seen = { path, authorization, range, start: 0, sent: 0 }
    const fault = hub.fault(path, hub.requests.filter(other => other.path === path).length) ?? {}
    hub.requests.push(seen)
    if (fault.silent === true) return
    if (fault.status !== undefined) {
      response.writeHead(fault.status, fault.headers).end('no')
      return
    }
    const [, listed] = /^\/api\/models\/(.+)\/tree\/[^/]+$/.exec(path) ?? []
    const [, owner, name] = /^\/(.+)\/resolve\/[^/]+\/(.+)$/.exec(path) ?? []
    const tree = hub.files.get(listed ?? '')
    const file = hub.files.get(owner ?? '')?.get(name ?? '')
    if (tree !== undefined) send(response, { file: Buffer.from(JSON.stringify(treeOf(tree))), range, fault, seen })
    else if (file !== undefined) send(response, { file, range, fault, seen })
    else response.writeHead(404).end('not found')
  }
  return hub
}

/** Large files are listed with their SHA-256, small ones with their Git blob id, as the hub does. */
function treeOf(files: ReadonlyMap<string, Uint8Array>): unknown[] {
  return [...files].map(([path, bytes]) => {
    const oid = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
    const entry = { type: 'file', path, size: bytes.length, oid }
    if (!/\.(safetensors|onnx|onnx_data)$/.test(path)) return entry
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    return { ...entry, lfs: { oid: sha256, size: bytes.length, pointerSize: 134 } }
  })
}

function send(
  response: ServerResponse,
  { file, range, fault, seen }: { file: Uint8Array; range: string | undefined; fault: Fault; seen: SeenRequest },
): void {
  const whole = Buffer.concat([file, Buffer.alloc(fault.extra ?? 0, 7)])
  if (fault.flip !== undefined) whole[fault.flip] = (whole[fault.flip] ?? 0) ^ 1
  const asked = fault.ignoreRange === true ? undefined : /^bytes=(\d+)-$/.exec(range ?? '')?.[1]
  seen.start = Number(asked ?? 0)
  const body = whole.subarray(seen.start)
  const end = Math.min(fault.cutAfter ?? body.length, fault.stallAfter ?? body.length, body.length)
  seen.sent = end
  const length = { 'content-length': String(fault.quietly === true ? end : body.length) }
  if (asked === undefined) response.writeHead(200, length)
  else {
    const part = { 'content-range': `bytes ${asked}-${whole.length - 1}/${whole.length}` }
    response.writeHead(206, { ...length, ...part })
  }
  response.flushHeaders()
  if (end === body.length || fault.quietly === true) response.end(body.subarray(0, end))
  else {
    response.write(body.subarray(0, end), () => {
      if (fault.stallAfter === undefined) setTimeout(() => response.destroy(), 5)
    })
  }
}
