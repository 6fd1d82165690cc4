/** Writing to a repository of the hub, in one commit: everything is there, or nothing is. */
import { StatePackError } from '#shared/domain/error.ts'
import { createHubFetch } from '../models/hub/hubFetch.ts'
import { listRepoFiles } from '../models/hub/repoFiles.ts'
import type { PatientFetch } from '../network/patientFetch.ts'
import type { Call } from '../packets/context.ts'
import { type Hub, openHubRepository } from './hubRepository.ts'

/** Bytes that leave between two reports at most: a blob in memory is one chunk. */
const PIECE = 2 ** 16

export interface HubCommit {
  readonly hubId: string
  /** A branch. */
  readonly revision: string
  readonly title: string
  readonly files: readonly { readonly path: string; readonly content: Blob }[]
  /** Which of the files that are there stay; throws where they are somebody's whom this would harm. */
  readonly keep: (path: string, all: readonly string[]) => boolean
  /** Of a repository that does not exist yet. */
  readonly isPrivate?: boolean
  /** Bytes of large files that are there or have left, of all; less again where a part has to be sent once more. */
  readonly moved?: (done: number) => void
}

/**
 * Makes the repository where there is none. Files that the hub has do not travel again, so a commit that was cut short goes
 * on where it was. Returns the new commit. Throws `E_UNAUTHORIZED`, `E_FORBIDDEN`, `E_CONFLICT` (somebody else committed
 * meanwhile), `E_NETWORK`, `E_CANCELLED`.
 */
export async function commitToHub(
  hub: Hub,
  commit: HubCommit,
  call: Call,
): Promise<{ commit: string; bytesSent: number }> {
  const { hubId, revision, files, title, moved } = commit
  const endpoint = hub.endpoint.replace(/\/+$/, '')
  const { host } = new URL(endpoint)
  if (hub.token === undefined || hub.token === '') throw needsToken(host)
  const bytes = { sent: 0, leaving: 0, there: 0 }
  const tell = () => moved?.(bytes.there + bytes.leaving)
  const fetch = apiFetch(createHubFetch({ ...hub, endpoint }), call.signal, {
    leaving: more => {
      bytes.leaving += more
      tell()
    },
    sent: size => {
      bytes.sent += size
    },
  })
  await create(fetch, { ...commit, endpoint })
  const before = await openHubRepository({ hubId, revision, folderName: '' }, hub, call)
  const listed = await listRepoFiles(
    { hubId, revision: before.commit, folderName: '' },
    { ...before.options, endpoint },
  )
  const there = listed.map(({ path }) => path)
  const written = new Set(files.map(({ path }) => path))
  const dead = there.filter(path => !commit.keep(path, there) && !written.has(path))
  const uploading = new Set<string>()
  const sizes = new Map(files.map(({ path, content }) => [path, content.size]))
  const { commitIter, HubApiError } = await import('@huggingface/hub')
  try {
    const running = commitIter({
      ...{ title, branch: revision, hubUrl: endpoint, fetch, parentCommit: before.commit, useXet: false },
      repo: { type: 'model', name: hubId },
      operations: [
        ...files.map(file => ({ operation: 'addOrUpdate' as const, ...file })),
        ...dead.map(path => ({ operation: 'delete' as const, path })),
      ],
      ...(call.signal === undefined ? {} : { abortSignal: call.signal }),
    })
    for (;;) {
      const next = await running.next()
      if (next.done) {
        if (next.value === undefined) throw new StatePackError('E_NETWORK', `${host} says nothing of the commit.`)
        return { commit: next.value.commit.oid, bytesSent: bytes.sent }
      }
      const event = next.value
      if (event.event !== 'fileProgress' || event.state !== 'uploading') continue
      // What the hub has is said to be done without having begun.
      if (event.progress < 1) uploading.add(event.path)
      else if (!uploading.has(event.path)) bytes.there += sizes.get(event.path) ?? 0
      tell()
    }
  } catch (thrown) {
    call.signal?.throwIfAborted()
    throw thrown instanceof HubApiError ? refused(thrown.statusCode, { hubId, host, said: thrown.data }) : thrown
  }
}

async function create(
  fetch: typeof globalThis.fetch,
  { hubId, isPrivate = false, endpoint }: HubCommit & { endpoint: string },
): Promise<void> {
  const [organization = '', name = ''] = hubId.split('/')
  const body = JSON.stringify({ type: 'model', name, organization, visibility: isPrivate ? 'private' : 'public' })
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${endpoint}/api/repos/create`, { method: 'POST', headers, body })
  const said: unknown = await response.json().catch(() => null)
  // There already.
  if (!response.ok && response.status !== 409)
    throw refused(response.status, { hubId, host: new URL(endpoint).host, said })
}

/** The door to the hub as the library calls it. What authorises a request is put on by the door alone. */
function apiFetch(
  fetch: PatientFetch,
  signal: AbortSignal | undefined,
  { leaving, sent }: { leaving: (more: number) => void; sent: (size: number) => void },
): typeof globalThis.fetch {
  return async (input, init = {}) => {
    const given = init.body ?? null
    const content = given === null || given instanceof Blob ? given : new Blob([String(given)])
    const headers = Object.fromEntries(new Headers(init.headers))
    delete headers.authorization
    const limits = init.signal ?? signal
    let left = 0
    async function* counted(whole: Blob): AsyncGenerator<Uint8Array> {
      // From the start, also where the request before broke off.
      leaving(-left)
      left = 0
      for await (const chunk of whole.stream()) {
        for (let at = 0; at < chunk.byteLength; at += PIECE) {
          const piece = chunk.subarray(at, at + PIECE)
          left += piece.byteLength
          leaving(piece.byteLength)
          yield piece
        }
      }
    }
    const response = await fetch(String(input instanceof Request ? input.url : input), {
      method: init.method === 'POST' || init.method === 'PUT' ? init.method : 'GET',
      headers: { ...headers, ...(content === null ? {} : { 'content-length': String(content.size) }) },
      ...(content === null ? {} : { body: () => (init.method === 'PUT' ? counted(content) : content.stream()) }),
      ...(limits === undefined ? {} : { signal: limits }),
    })
    if (response.ok && init.method === 'PUT') sent(content?.size ?? 0)
    return response
  }
}

function refused(status: number, { said, ...details }: { hubId: string; host: string; said: unknown }): StatePackError {
  const { hubId, host } = details
  const why = saidBy(said)
  const context = { ...details, status, said: why }
  if (status === 401) return new StatePackError('E_UNAUTHORIZED', `${host} does not know this token.`, context)
  if (status === 403) {
    const message = `${host} does not let this token write to ${hubId}. It needs the right to write there.`
    return new StatePackError('E_FORBIDDEN', message, context)
  }
  if (status === 409 || status === 412) {
    const message = `Somebody else changed ${hubId} meanwhile. Publish again.`
    return new StatePackError('E_CONFLICT', message, context)
  }
  const message = `${host} answered ${status} to what was published${why === null ? '' : `: ${why}`}.`
  return new StatePackError('E_NETWORK', message, context)
}

function saidBy(said: unknown): string | null {
  const text = typeof said === 'object' && said !== null && 'error' in said ? said.error : null
  return typeof text === 'string' ? text.slice(0, 300) : null
}

function needsToken(host: string): StatePackError {
  const message = `Publishing to ${host} needs a token that may write. Set HF_TOKEN, or log in with hf auth login.`
  return new StatePackError('E_UNAUTHORIZED', message, { host })
}
