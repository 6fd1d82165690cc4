/** One file from a server: resumed where it was cut, and under its name only when every byte is right. */
import { createHash } from 'node:crypto'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { StatePackError } from '#shared/domain/error.ts'
import { arriving, Interrupted } from './arriving.ts'
import { type FetchOptions, networkError, patientFetch } from './patientFetch.ts'
import type { TransferMeter } from './transferMeter.ts'

/** A file with the digest its bytes must have. */
export interface WantedFile {
  /** What it is called, in messages; where it goes is decided by {@link FileDownload.path}. */
  readonly path: string
  readonly size: number
  /** SHA-256 of a file's bytes; of a small one on the hub the Git blob id, SHA-1 of `blob <size>\0<bytes>`. */
  readonly digest: { readonly algorithm: 'sha256' | 'git-sha1'; readonly hex: string }
}

export interface FileDownload extends FetchOptions {
  readonly url: string
  /** Where the file goes; `<path>.part` until it is whole. */
  readonly path: string
  readonly meter: Pick<TransferMeter, 'found' | 'received'>
  /** What a status other than success means. */
  readonly refusal: (status: number) => StatePackError
}

/**
 * Throws `E_CORRUPT` for bytes other than the hub's list promises, `E_NETWORK` when the connection keeps failing (the part
 * stays and is continued next time), `E_CANCELLED`, `E_DISK_FULL`, and what `refusal` says.
 */
export async function downloadFile(file: WantedFile, download: FileDownload): Promise<void> {
  const { path, meter, signal } = download
  const part = `${path}.part`
  if ((await sizeOf(part)) > file.size) await rm(part)
  // Bytes of an earlier run may belong to an older version of the file: then it is fetched once more from the start.
  for (let resumed = (await sizeOf(part)) > 0; ; resumed = false) {
    await fetchAll(file, part, download)
    if ((await digestOf(part, file, signal)) === file.digest.hex) break
    meter.found(-file.size)
    await rm(part)
    if (!resumed) throw corrupt(file, 'its digest is not the one that is listed')
  }
  await rename(part, path)
}

/** The digest of a file's bytes by the algorithm of the digest it must have. */
export async function digestOf(path: string, { digest, size }: WantedFile, signal?: AbortSignal): Promise<string> {
  const hash = createHash(digest.algorithm === 'sha256' ? 'sha256' : 'sha1')
  if (digest.algorithm === 'git-sha1') hash.update(`blob ${size}\0`)
  await using handle = await open(path, 'r')
  const buffer = Buffer.allocUnsafe(1 << 20)
  for (;;) {
    signal?.throwIfAborted()
    const { bytesRead } = await handle.read(buffer, 0, buffer.length)
    if (bytesRead === 0) return hash.digest('hex')
    hash.update(buffer.subarray(0, bytesRead))
  }
}

/** Bytes there are; 0 when there is no file. */
export async function sizeOf(path: string): Promise<number> {
  return (await sizeIfThere(path)) ?? 0
}

/** Bytes there are; null when there is no file, which may also have none. */
export async function sizeIfThere(path: string): Promise<number | null> {
  return stat(path).then(
    found => found.size,
    () => null,
  )
}

async function fetchAll(file: WantedFile, part: string, download: FileDownload): Promise<void> {
  const { patience, signal, onWait, url } = download
  await using handle = await open(part, 'a')
  for (let have = await sizeOf(part), failed = 0; have < file.size; ) {
    signal?.throwIfAborted()
    try {
      await fetchRest(file, { handle, have }, download)
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error
      const now = await sizeOf(part)
      failed = now > have ? 1 : failed + 1
      if (failed >= patience.attempts) throw networkError(url, error.message, error)
      const pause = Math.min(patience.pauseMs * 2 ** (failed - 1), patience.longestMs)
      onWait?.({ why: error.message, seconds: pause / 1000 })
      await sleep(pause, undefined, { signal })
    }
    have = await sizeOf(part)
  }
  // On the disk before its name says that it is whole.
  await handle.sync()
}

async function fetchRest(
  file: WantedFile,
  { handle, have }: { readonly handle: FileHandle; readonly have: number },
  download: FileDownload,
): Promise<void> {
  const headers: Record<string, string> = have > 0 ? { range: `bytes=${have}-` } : {}
  const connection = await patientFetch(download.url, { ...download, headers })
  try {
    let skip = have - startOf(connection.response, { file, have, download })
    let done = have
    for await (const chunk of arriving(connection, download)) {
      const fresh = chunk.subarray(Math.min(skip, chunk.length))
      skip -= chunk.length - fresh.length
      done += fresh.length
      if (done > file.size) throw corrupt(file, `more than the ${file.size} bytes that are listed arrive`)
      await writeAll(handle, fresh)
      download.meter.received(fresh.length)
    }
    if (done < file.size) throw new Interrupted(`The connection ended at byte ${done} of ${file.size}`)
  } finally {
    connection.stop()
  }
}

/** The offset in the file of the answer's first byte: a server may ignore the range and send everything. */
function startOf(
  { status, headers }: Response,
  { file, have, download }: { file: WantedFile; have: number; download: FileDownload },
): number {
  if (status === 200) return 0
  if (status === 416) throw new Interrupted(`${download.server} has no bytes where the file should go on`)
  if (status !== 206) throw download.refusal(status)
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? []
  if (start === undefined || Number(start) > have)
    throw new Interrupted(`${download.server} sent another part than was asked for`)
  if (total !== '*' && Number(total) !== file.size)
    throw corrupt(file, `it has ${total} bytes, ${file.size} are listed`)
  return Number(start)
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await handle.write(bytes, done)).bytesWritten
}

function corrupt(file: WantedFile, what: string): StatePackError {
  return new StatePackError('E_CORRUPT', `${file.path} did not arrive as it should: ${what}.`, { file: file.path })
}
