/** One blob into a registry: not at all where it is there, by a mount where a neighbour has it, else in resumable chunks. */
import { setTimeout as sleep } from 'node:timers/promises'
import { StatePackError } from '#shared/domain/error.ts'
import type { Descriptor } from '#shared/domain/oci.ts'
import { ask, hasBlob, type Repository, refusal } from './repository.ts'

export interface BlobUpload {
  /** Bytes `start` to `end` of the blob; asked for again where they are sent again. */
  readonly part: (start: number, end: number) => AsyncIterable<Uint8Array>
  /** A repository of the same registry that has the blob. */
  readonly from: string | null
  readonly chunkBytes: number
  /** Where an upload that was interrupted goes on; remembers it, forgets it with null. */
  readonly resume: { get(): string | null; set(location: string | null): void }
  /** Bytes that have arrived; negative where they were lost again. */
  readonly moved: (bytes: number) => void
}

/** An upload that the registry has begun. */
interface Session {
  readonly location: string
  /** Bytes it has. */
  readonly offset: number
}

/** Times that a blob is begun anew before the registry's refusal is believed. */
const MOST_REFUSALS = 3

/** Throws `E_NETWORK` when the connection keeps failing (what has arrived is gone on from next time), and refusals. */
export async function uploadBlob(
  repository: Repository,
  blob: Descriptor,
  upload: BlobUpload,
): Promise<'there' | 'mounted' | 'sent'> {
  if (await hasBlob(repository, blob)) return 'there'
  const { patience, signal, onWait } = repository.options
  const kept = upload.resume.get()
  let session = kept === null ? null : await sessionAt(repository, kept)
  let { from } = upload
  for (let failed = 0, refused = 0; ; ) {
    signal?.throwIfAborted()
    const begun = session ?? (await begin(repository, blob, from))
    if (begun === 'mounted') return 'mounted'
    // Asked for once: a registry that did not mount it will not the next time.
    from = null
    const counted = counting(upload.moved, Math.min(begun.offset, blob.size))
    try {
      if (
        begun.offset <= blob.size &&
        (await send(repository, { blob, session: begun, upload, advanced: counted.to }))
      ) {
        upload.resume.set(null)
        return 'sent'
      }
      // Not taken as it stands (some registries take nothing after a chunk that broke off): anew, from the beginning.
      session = null
      if (++refused === MOST_REFUSALS) throw tooOften(repository)
    } catch (error) {
      counted.to(0)
      if (!(error instanceof StatePackError) || error.code !== 'E_NETWORK' || refused === MOST_REFUSALS) throw error
      // What fits into one request is sent in one again.
      session = blob.size > upload.chunkBytes ? await sessionAt(repository, begun.location) : null
      failed = session !== null && session.offset > begun.offset ? 1 : failed + 1
      if (failed >= patience.attempts) throw error
      const pause = Math.min(patience.pauseMs * 2 ** (failed - 1), patience.longestMs)
      onWait?.({ why: 'The connection broke', seconds: pause / 1000 })
      await sleep(pause, undefined, { signal })
    }
    if (session === null) {
      counted.to(0)
      upload.resume.set(null)
    }
  }
}

/** Tells how many bytes more or fewer have arrived than when it was told last. */
function counting(moved: (bytes: number) => void, from: number): { to: (at: number) => void } {
  let last = 0
  const to = (at: number): void => {
    moved(at - last)
    last = at
  }
  to(from)
  return { to }
}

async function begin(
  repository: Repository,
  { digest }: Descriptor,
  from: string | null,
): Promise<Session | 'mounted'> {
  const query = from === null ? '' : `?${new URLSearchParams({ mount: digest, from })}`
  const answer = await ask(repository, `blobs/uploads/${query}`, {
    method: 'POST',
    headers: { 'content-length': '0' },
  })
  if (answer.status === 201) return 'mounted'
  if (answer.status !== 202) throw refusal(repository, answer)
  return { location: locationOf(repository, answer.headers, repository.url('blobs/uploads/')), offset: 0 }
}

/** How far an upload has come; null when the registry knows nothing of it any more. */
async function sessionAt(repository: Repository, location: string): Promise<Session | null> {
  const { status, headers } = await ask(repository, location)
  if (status !== 204 && status !== 202) return null
  const [, end = '0'] = /^(?:bytes=)?0-(\d+)$/.exec(headers.get('range') ?? '') ?? []
  // `0-0` is one byte or none: taken for none, which at worst begins the blob anew.
  const offset = end === '0' ? 0 : Number(end) + 1
  return { location: locationOf(repository, headers, location), offset }
}

/** Sends what is missing and names the whole by its digest. False when the registry does not take it as it stands. */
async function send(
  repository: Repository,
  at: { blob: Descriptor; session: Session; upload: BlobUpload; advanced: (to: number) => void },
): Promise<boolean> {
  const { blob, upload, advanced } = at
  let { location, offset } = at.session
  // One request where it fits; more than one chunk can be gone on from in another process.
  while (blob.size - offset > upload.chunkBytes || (offset > 0 && offset < blob.size)) {
    upload.resume.set(location)
    const end = Math.min(blob.size, offset + upload.chunkBytes)
    const answer = await put(repository, location, { method: 'PATCH', upload, start: offset, end, advanced })
    if (answer.status !== 202) return isFinal(repository, answer)
    location = locationOf(repository, answer.headers, location)
    offset = end
  }
  upload.resume.set(blob.size > upload.chunkBytes ? location : null)
  const whole = `${location}${location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(blob.digest)}`
  const answer = await put(repository, whole, { method: 'PUT', upload, start: offset, end: blob.size, advanced })
  return answer.status === 201 || answer.status === 204 || isFinal(repository, answer)
}

/** Throws what another beginning would not change; false for the rest. */
function isFinal(repository: Repository, answer: { status: number; body: Uint8Array }): false {
  if ([401, 403, 405, 413].includes(answer.status)) throw refusal(repository, answer)
  return false
}

async function put(
  repository: Repository,
  location: string,
  {
    method,
    upload,
    start,
    end,
    advanced,
  }: { method: 'PATCH' | 'PUT'; upload: BlobUpload; start: number; end: number; advanced: (to: number) => void },
) {
  const { patience } = repository.options
  const once = { ...repository, options: { ...repository.options, patience: { ...patience, attempts: 1 } } }
  return await ask(once, location, {
    method,
    headers: {
      'content-type': 'application/octet-stream',
      'content-length': String(end - start),
      ...(method === 'PATCH' ? { 'content-range': `${start}-${end - 1}` } : {}),
    },
    body: async function* () {
      let at = start
      for await (const chunk of upload.part(start, end)) {
        yield chunk
        at += chunk.byteLength
        advanced(at)
      }
    },
  })
}

function locationOf(repository: Repository, headers: Headers, asked: string): string {
  const location = headers.get('location')
  if (location !== null && URL.canParse(location, asked)) return new URL(location, asked).href
  const { registry } = repository.reference
  throw new StatePackError('E_NETWORK', `${registry} does not say where the upload goes on.`, { registry })
}

function tooOften({ reference: { registry } }: Repository): StatePackError {
  const message = `${registry} refused the same part ${MOST_REFUSALS} times. Push again later: what has arrived is not sent again.`
  return new StatePackError('E_NETWORK', message, { registry })
}
