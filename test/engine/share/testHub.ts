/**
 * A hub on this machine that speaks the few endpoints of the Hugging Face Hub that are used to publish, browse and fetch, as its
 * API documentation and the Git LFS specification have them; it refuses what they refuse, and writes down what it got.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HubRequest {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly bytes: number
}

interface Commit {
  readonly sha: string
  readonly files: ReadonlyMap<string, Buffer>
}

export interface TestHub {
  readonly endpoint: string
  readonly host: string
  /** Where large files are put and got: another origin, which must never see the token. */
  readonly storage: string
  readonly requests: HubRequest[]
  readonly stored: HubRequest[]
  /** By name, the newest commit last. */
  readonly repositories: Map<string, { isPrivate: boolean; commits: Commit[] }>
  /** Answers in place of the hub where it returns true. */
  intercept: (request: IncomingMessage, response: ServerResponse, path: string) => boolean
  close(): Promise<void>
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const sha1 = (text: string) => createHash('sha1').update(text).digest('hex')

/** `tokens`: who may write, by the owner that each is for; `readOnly` ones may not. */
export async function startTestHub(
  tokens: Readonly<Record<string, { readonly owner: string; readonly mayWrite: boolean }>>,
): Promise<TestHub> {
  const large = new Map<string, Buffer>()
  const announced = new Map<string, number>()
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()))
  const storage = createServer((request, response) => void store(request, response).catch(() => response.destroy()))
  for (const one of [server, storage]) await new Promise<void>(resolve => one.listen(0, '127.0.0.1', resolve))
  const hostOf = (one: typeof server) => `127.0.0.1:${(one.address() as AddressInfo).port}`
  const hub: TestHub = {
    ...{ endpoint: `http://${hostOf(server)}`, host: hostOf(server), storage: `http://${hostOf(storage)}` },
    ...{ requests: [], stored: [], repositories: new Map(), intercept: () => false },
    close: async () => {
      for (const one of [server, storage]) {
        one.closeAllConnections()
        await new Promise(resolve => one.close(resolve))
      }
    },
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', hub.endpoint)
    const path = decodeURIComponent(url.pathname)
    const body = await bodyOf(request)
    const { method = 'GET', headers } = request
    hub.requests.push({ method, path, authorization: headers.authorization, bytes: body.length })
    if (hub.intercept(request, response, path)) return
    const json = (status: number, value: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    }
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1]
    if (token !== undefined && tokens[token] === undefined)
      return json(401, { error: 'Invalid credentials in Authorization header' })
    const may = (id: string) =>
      token !== undefined && tokens[token]?.mayWrite === true && tokens[token]?.owner === id.split('/')[0]
    if (method === 'POST' && path === '/api/repos/create') {
      const { name, organization, type, visibility } = JSON.parse(body.toString())
      const id = `${organization}/${name}`
      if (token === undefined) return json(401, { error: 'Unauthorized' })
      if (type !== 'model') return json(400, { error: 'unexpected type' })
      if (!may(id)) return json(403, { error: "You don't have the rights to create a model under this namespace" })
      if (hub.repositories.has(id)) return json(409, { error: 'You already created this model repo' })
      const first = {
        sha: sha1(`initial ${id}`),
        files: new Map([['.gitattributes', Buffer.from('*.bin filter=lfs\n')]]),
      }
      hub.repositories.set(id, { isPrivate: visibility === 'private', commits: [first] })
      return json(200, { url: `${hub.endpoint}/${id}`, id })
    }
    if (path === '/api/models') return json(200, list(url, token))
    const [, id = '', verb = '', rest = ''] =
      /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree|preupload|commit)\/(.+)$/.exec(path) ??
      /^\/([^/]+\/[^/]+?)(?:\.git)?\/(resolve|info)\/(.+)$/.exec(path) ??
      []
    const repository = hub.repositories.get(id)
    const isSeen =
      repository !== undefined &&
      (!repository.isPrivate || (token !== undefined && tokens[token]?.owner === id.split('/')[0]))
    // As the hub: what may not be seen is not told from what is not there.
    if (!isSeen)
      return token === undefined
        ? json(401, { error: 'Repository not found' })
        : json(404, { error: 'Repository not found' })
    const [revision = '', ...file] = verb === 'resolve' ? rest.split('/') : [rest]
    const commit =
      revision === 'main' ? repository.commits.at(-1) : repository.commits.find(({ sha }) => sha === revision)
    if (verb !== 'info' && commit === undefined) return json(404, { error: `Invalid rev id: ${revision}` })
    if (verb === 'revision') return json(200, { id, sha: commit?.sha, private: repository.isPrivate })
    if (verb === 'tree')
      return json(
        200,
        [...(commit?.files ?? [])].map(([name, bytes]) => entry(name, bytes)),
      )
    if (verb === 'resolve') {
      const bytes = commit?.files.get(file.join('/'))
      if (bytes === undefined) return json(404, { error: 'Entry not found' })
      if (!isLarge(file.join('/'))) return void response.writeHead(200, { 'content-length': bytes.length }).end(bytes)
      return void response.writeHead(302, { location: `${hub.storage}/${sha256(bytes)}` }).end()
    }
    if (!may(id)) return json(403, { error: 'Forbidden: you must use a write token to upload to a repository.' })
    if (verb === 'preupload') {
      const { files } = JSON.parse(body.toString()) as { files: { path: string; size: number; sample: string }[] }
      if (files.some(({ size, sample }) => typeof size !== 'number' || typeof sample !== 'string'))
        return json(400, { error: 'bad' })
      return json(200, {
        files: files.map(one => ({ path: one.path, uploadMode: isLarge(one.path) ? 'lfs' : 'regular' })),
      })
    }
    if (verb === 'info') {
      if (rest !== 'lfs/objects/batch') return json(404, { error: 'Not found' })
      const { objects, operation } = JSON.parse(body.toString()) as {
        operation: string
        objects: { oid: string; size: number }[]
      }
      if (operation !== 'upload') return json(422, { message: 'unexpected operation' })
      for (const { oid, size } of objects) announced.set(oid, size)
      const actions = (oid: string) =>
        large.has(oid) ? {} : { actions: { upload: { href: `${hub.storage}/${oid}` } } }
      response.writeHead(200, { 'content-type': 'application/vnd.git-lfs+json' })
      return void response.end(
        JSON.stringify({ transfer: 'basic', objects: objects.map(one => ({ ...one, ...actions(one.oid) })) }),
      )
    }
    // A commit: lines of JSON, the header first.
    const lines = body
      .toString()
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line))
    const { summary, parentCommit } = lines[0].value
    if (lines[0].key !== 'header' || typeof summary !== 'string')
      return json(400, { error: 'a commit begins with a header' })
    if (parentCommit !== undefined && parentCommit !== repository.commits.at(-1)?.sha)
      return json(412, { error: 'A commit has happened since. Please refresh and try again.' })
    const files = new Map(repository.commits.at(-1)?.files)
    for (const { key, value } of lines.slice(1)) {
      if (key === 'file')
        files.set(value.path, Buffer.from(value.content, value.encoding === 'base64' ? 'base64' : 'utf8'))
      if (key === 'deletedFile') files.delete(value.path)
      if (key !== 'lfsFile') continue
      const bytes = large.get(value.oid)
      if (bytes === undefined || bytes.length !== value.size || value.algo !== 'sha256')
        return json(400, {
          error: `Your push was rejected because an LFS pointer pointed to a file that does not exist: ${value.path}`,
        })
      files.set(value.path, bytes)
    }
    const sha = sha1(`${repository.commits.length} ${[...files].map(([name, bytes]) => `${name} ${sha256(bytes)}`)}`)
    repository.commits.push({ sha, files })
    json(200, { success: true, commitOid: sha, commitUrl: `${hub.endpoint}/${id}/commit/${sha}`, hookOutput: '' })
  }

  async function store(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request)
    const { method = 'GET', url = '/', headers } = request
    hub.stored.push({ method, path: url, authorization: headers.authorization, bytes: body.length })
    const oid = url.slice(1)
    if (method === 'PUT') {
      // What the signed address of a storage is for: this very file and no other.
      if (
        announced.get(oid) !== body.length ||
        sha256(body) !== oid ||
        Number(headers['content-length']) !== body.length
      )
        return void response.writeHead(400).end('<Error><Code>BadDigest</Code></Error>')
      large.set(oid, body)
      return void response.writeHead(200, { etag: `"${oid}"` }).end()
    }
    const bytes = large.get(oid)
    if (bytes === undefined) return void response.writeHead(404).end()
    const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
    const part = bytes.subarray(from)
    const range = from === 0 ? {} : { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }
    response.writeHead(from === 0 ? 200 : 206, { 'content-length': part.length, ...range }).end(part)
  }

  function list({ searchParams }: URL, token: string | undefined) {
    const wanted = searchParams.getAll('filter')
    return [...hub.repositories].flatMap(([id, { isPrivate, commits }]) => {
      const [owner = ''] = id.split('/')
      const last = commits.at(-1)
      const matter = /^---\n([\s\S]*?)\n---\n/.exec(last?.files.get('README.md')?.toString() ?? '')?.[1] ?? ''
      const line = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(matter)?.[1]
      const tags = [
        ...JSON.parse(line('tags') ?? '[]'),
        ...(line('library_name') === undefined ? [] : [line('library_name')]),
      ]
      const author = searchParams.get('author')
      const isMeant =
        (!isPrivate || (token !== undefined && tokens[token]?.owner === owner)) &&
        (author === null || author === owner) &&
        id.includes(searchParams.get('search') ?? '') &&
        wanted.every(tag => tags.includes(tag))
      if (!isMeant) return []
      const cardData = { statepack: JSON.parse(line('statepack') ?? 'null') }
      const facts = {
        private: isPrivate,
        likes: 0,
        downloads: 0,
        gated: false,
        lastModified: '2026-01-01T00:00:00.000Z',
      }
      return [{ _id: sha1(id), id, sha: last?.sha, cardData, ...facts }]
    })
  }
  return hub
}

/** The hub decides by its .gitattributes and by what the file is; blobs are no text. */
const isLarge = (path: string) => path.startsWith('blobs/')

function entry(path: string, bytes: Buffer) {
  const oid = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
  const lfs = isLarge(path) ? { lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 134 } } : {}
  return { type: 'file', path, size: bytes.length, oid, ...lfs }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}
