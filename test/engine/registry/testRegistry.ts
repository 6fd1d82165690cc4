/** A registry on this machine, with a referrers API, that keeps the published interface and lies on request. */
import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Seen {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly range: string | undefined
}

export interface TestRegistry {
  /** `127.0.0.1:port` */
  readonly host: string
  readonly requests: Seen[]
  /** By digest; manifests too. */
  readonly blobs: Map<string, Buffer>
  /** By repository and tag. */
  readonly tags: Map<string, string>
  /** Answers in place of the registry where it returns true. */
  intercept: (request: IncomingMessage, response: ServerResponse, path: string) => boolean
  /** Called with bytes of bodies that have moved, in either direction. */
  onBytes: (more: number) => void
  /** Bytes of blobs that it has, also of those that are not whole yet. */
  received(): number
  close(): Promise<void>
}

const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
/** Small pieces, so that a transfer can be cut anywhere. */
const PIECE = 2048

export async function startTestRegistry(): Promise<TestRegistry> {
  const uploads = new Map<string, Buffer[]>()
  const types = new Map<string, string>()
  const inRepository = new Set<string>()
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const registry: TestRegistry = {
    ...{ host, requests: [], blobs: new Map(), tags: new Map() },
    intercept: () => false,
    onBytes: () => {},
    received: () =>
      [...registry.blobs.values(), ...[...uploads.values()].flat()].reduce((sum, { length }) => sum + length, 0),
    close: () =>
      new Promise(resolve => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
  const count = (bytes: number) => registry.onBytes(bytes)

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', `http://${host}`)
    const { method = 'GET', headers } = request
    registry.requests.push({ method, path: url.pathname, authorization: headers.authorization, range: headers.range })
    if (registry.intercept(request, response, url.pathname)) return
    const [, repository = '', kind, name = ''] =
      /^\/v2\/(.+?)\/(manifests|referrers|tags|blobs\/uploads|blobs)\/(.*)$/.exec(url.pathname) ?? []
    if (kind === 'blobs/uploads') return await upload(request, response, { url, repository, id: name })
    if (kind === 'blobs') {
      const bytes = inRepository.has(`${repository} ${name}`) ? registry.blobs.get(name) : undefined
      return send(request, response, bytes, 'application/octet-stream')
    }
    if (kind === 'tags') {
      const tags = [...registry.tags.keys()].filter(key => key.startsWith(`${repository}:`))
      const list = { name: repository, tags: tags.map(key => key.slice(repository.length + 1)) }
      return send(
        request,
        response,
        tags.length === 0 ? undefined : Buffer.from(JSON.stringify(list)),
        'application/json',
      )
    }
    if (kind === 'referrers') {
      const manifests = [...registry.blobs].flatMap(([digest, bytes]) => {
        if (!types.has(digest)) return []
        const { mediaType, artifactType, subject } = JSON.parse(bytes.toString())
        return subject?.digest === name ? [{ mediaType, digest, size: bytes.length, artifactType }] : []
      })
      const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests }
      return send(request, response, Buffer.from(JSON.stringify(index)), index.mediaType)
    }
    if (kind === 'manifests' && method === 'PUT') {
      const bytes = await bodyOf(request)
      const digest = digestOf(bytes)
      const { config, layers = [], subject } = JSON.parse(bytes.toString())
      const needed: { digest: string }[] = config === undefined ? [] : [config, ...layers]
      if (needed.some(blob => !registry.blobs.has(blob.digest) || !inRepository.has(`${repository} ${blob.digest}`))) {
        response.writeHead(404).end(JSON.stringify({ errors: [{ code: 'MANIFEST_BLOB_UNKNOWN', message: '' }] }))
        return
      }
      registry.blobs.set(digest, bytes)
      types.set(digest, headers['content-type'] ?? '')
      inRepository.add(`${repository} ${digest}`)
      if (!name.startsWith('sha256:')) registry.tags.set(`${repository}:${name}`, digest)
      response.writeHead(201, { location: url.pathname, ...(subject ? { 'oci-subject': subject.digest } : {}) }).end()
      return
    }
    const digest = name.startsWith('sha256:') ? name : registry.tags.get(`${repository}:${name}`)
    const bytes = inRepository.has(`${repository} ${digest}`) ? registry.blobs.get(digest ?? '') : undefined
    send(request, response, bytes, types.get(digest ?? '') ?? '')
  }

  async function upload(
    request: IncomingMessage,
    response: ServerResponse,
    { url, repository, id }: { url: URL; repository: string; id: string },
  ): Promise<void> {
    const parts = uploads.get(id)
    const [mount, from] = [url.searchParams.get('mount'), url.searchParams.get('from')]
    if (request.method === 'POST') {
      if (mount !== null && inRepository.has(`${from} ${mount}`)) {
        inRepository.add(`${repository} ${mount}`)
        response.writeHead(201, { location: `/v2/${repository}/blobs/${mount}` }).end()
        return
      }
      const begun = randomUUID()
      uploads.set(begun, [])
      response.writeHead(202, { location: `/v2/${repository}/blobs/uploads/${begun}` }).end()
      return
    }
    if (parts === undefined) return void response.writeHead(404).end()
    const length = () => parts.reduce((sum, { length }) => sum + length, 0)
    const range = () => ({ location: url.pathname, range: `0-${Math.max(0, length() - 1)}` })
    if (request.method === 'GET') return void response.writeHead(204, range()).end()
    const [start] = /^\d+/.exec(String(request.headers['content-range'] ?? '')) ?? []
    if (start !== undefined && Number(start) !== length()) return void response.writeHead(416, range()).end()
    // Kept as it comes: what arrived before a connection broke is there afterwards.
    for await (const piece of request) {
      parts.push(piece)
      count(piece.length)
    }
    if (request.method === 'PATCH') return void response.writeHead(202, range()).end()
    const bytes = Buffer.concat(parts)
    uploads.delete(id)
    const digest = url.searchParams.get('digest') ?? ''
    if (digestOf(bytes) !== digest) {
      response.writeHead(400).end(JSON.stringify({ errors: [{ code: 'DIGEST_INVALID', message: '' }] }))
      return
    }
    registry.blobs.set(digest, bytes)
    inRepository.add(`${repository} ${digest}`)
    response.writeHead(201, { location: `/v2/${repository}/blobs/${digest}` }).end()
  }

  async function bodyOf(request: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    count(chunks.reduce((sum, { length }) => sum + length, 0))
    return Buffer.concat(chunks)
  }

  function send(request: IncomingMessage, response: ServerResponse, whole: Buffer | undefined, type: string): void {
    if (whole === undefined) {
      response.writeHead(404).end(JSON.stringify({ errors: [{ code: 'NAME_UNKNOWN', message: '' }] }))
      return
    }
    const [, from] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? []
    const body = whole.subarray(Number(from ?? 0))
    const part = from === undefined ? {} : { 'content-range': `bytes ${from}-${whole.length - 1}/${whole.length}` }
    const headers = { 'content-type': type, 'content-length': String(body.length), ...part }
    response.writeHead(from === undefined ? 200 : 206, headers)
    if (request.method === 'HEAD') return void response.end()
    const next = (at: number): void => {
      if (at >= body.length) return void response.end()
      const piece = body.subarray(at, at + PIECE)
      response.write(piece, error => {
        if (error) return
        count(piece.length)
        // Slow enough for what is sent to have arrived when the next piece goes.
        setTimeout(() => next(at + piece.length), 1)
      })
    }
    next(0)
  }
  return registry
}
