import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hexOf } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { arriving, Interrupted } from '../network/arriving.ts'
import { sizeOf } from '../network/downloadFile.ts'
import { type Connection, type FetchOptions, networkError, patientFetch } from '../network/patientFetch.ts'
import { requireFree } from '../network/requireFree.ts'
import { TransferMeter } from '../network/transferMeter.ts'
import { orAborted } from '../orAborted.ts'
import type { Call } from '../packets/context.ts'
import { sha256 } from '../sha256.ts'

/** Bytes of one file, as for any that comes in. */
const MOST_BYTES = 64 * 1024 ** 3

type LinkedOptions = FetchOptions & Pick<Call, 'progress'>

/** By folder and address, until it is over. */
const underWay = new Map<string, Promise<void>>()

/**
 * A file on the internet whose digest nobody knows: fetched into `folder`, where it goes on after an interruption, and is used
 * again, as long as the server says that it is the same (`ETag`). Returns its path. Throws `E_NOT_FOUND`, `E_UNAUTHORIZED`,
 * `E_FORBIDDEN`, `E_NETWORK`, `E_TOO_LARGE`, `E_DISK_FULL`, `E_CANCELLED`.
 */
export async function linkedFile(url: URL, folder: string, options: LinkedOptions): Promise<string> {
  const key = JSON.stringify([folder, url.href])
  // Two at once would write one file. Whoever comes later finds what the first has fetched.
  for (let other = underWay.get(key); other !== undefined; other = underWay.get(key))
    await orAborted(other, options.signal)
  const { promise: isOver, resolve: end } = Promise.withResolvers<void>()
  underWay.set(key, isOver)
  try {
    return await fetched(url, folder, options)
  } finally {
    underWay.delete(key)
    end()
  }
}

async function fetched(url: URL, folder: string, { progress, ...options }: LinkedOptions): Promise<string> {
  const { patience, signal, onWait } = options
  let connection: Connection | null = await patientFetch(url.href, options)
  try {
    const { etag, size } = described(url, connection)
    // Weak marks, and none, do not say that the bytes are the same.
    const mark = etag?.startsWith('"') === true ? etag : null
    const path = join(folder, hexOf(sha256(new TextEncoder().encode([url.href, mark, size].join('\n')))))
    if (mark !== null && size !== null && (await sizeOf(path)) === size) return path
    await requireFree(folder, { needed: 2 * (size ?? 0), what: 'this cartridge' })
    const part = `${path}.part`
    if (mark === null) await rm(part, { force: true })
    const meter = new TransferMeter(size ?? 0, report => progress?.(report))
    await using handle = await open(part, 'a')
    let have = (await handle.stat()).size
    meter.found(have)
    if (have > 0) {
      connection.stop()
      connection = null
    }
    for (let failed = 0; have !== size; ) {
      signal?.throwIfAborted()
      const before = have
      try {
        connection ??= await patientFetch(url.href, { ...options, headers: rangeFrom(have, mark) })
        if (connection.response.status === 200 && have > 0) {
          await handle.truncate(0)
          meter.found(-have)
          have = 0
        } else if (connection.response.status !== (have === 0 ? 200 : 206)) described(url, connection)
        for await (const chunk of arriving(connection, options)) {
          have += chunk.byteLength
          if (have > (size ?? MOST_BYTES)) throw tooLarge(have)
          await handle.writeFile(chunk)
          meter.received(chunk.byteLength)
        }
        if (size === null) break
        if (have < size) throw new Interrupted('The connection ended too early')
      } catch (error) {
        if (!(error instanceof Interrupted)) throw error
        have = (await handle.stat()).size
        failed = have > before ? 1 : failed + 1
        if (failed >= patience.attempts) throw networkError(url.href, error.message, error)
        const pause = Math.min(patience.pauseMs * 2 ** (failed - 1), patience.longestMs)
        onWait?.({ why: error.message, seconds: pause / 1000 })
        await sleep(pause, undefined, { signal })
      } finally {
        connection?.stop()
        connection = null
      }
    }
    await handle.sync()
    await rename(part, path)
    return path
  } finally {
    connection?.stop()
  }
}

/** Without a mark nothing is gone on from: the whole comes again. */
function rangeFrom(have: number, mark: string | null): Record<string, string> {
  return have === 0 || mark === null ? {} : { range: `bytes=${have}-`, 'if-range': mark }
}

/** What the server says of the file. Throws what its refusal means. */
function described(url: URL, { response: { status, headers } }: Connection) {
  if (status !== 200 && status !== 206) throw refusal(url, status)
  const length = headers.get('content-length')
  const size = length === null ? null : Number(length)
  if (size !== null && size > MOST_BYTES) throw tooLarge(size)
  return { etag: headers.get('etag'), size }
}

function tooLarge(size: number): StatePackError {
  return new StatePackError('E_TOO_LARGE', 'The file is larger than a cartridge may be here.', { size })
}

function refusal({ host, href }: URL, status: number): StatePackError {
  const details = { host, status }
  if (status === 404 || status === 410) return new StatePackError('E_NOT_FOUND', `There is no ${href}.`, details)
  if (status === 401) return new StatePackError('E_UNAUTHORIZED', `${host} wants a login for this file.`, details)
  if (status === 403) return new StatePackError('E_FORBIDDEN', `${host} does not give out this file.`, details)
  return new StatePackError('E_NETWORK', `${host} answered ${status} when asked for the file.`, details)
}
