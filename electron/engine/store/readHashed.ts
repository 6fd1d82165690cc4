import { availableParallelism } from 'node:os'
import { StatePackError } from '#shared/domain/error.ts'
import { type HashBounds, type HashedFile, type HashRequest, hashed, hashFile } from './hashFile.ts'
import { HashThread } from './hashThread.ts'

/** Up to here asking another thread takes longer than doing it. */
const SMALL = 256 * 1024
/** Up to here this thread helps; beyond, nothing else could happen in it for too long. */
const HELPED = 4 * 1024 * 1024
const MOST_THREADS = 3

interface Job {
  readonly request: HashRequest
  readonly size: number
  resolve(file: HashedFile): void
  reject(error: unknown): void
}

const jobs: Job[] = []
/** Made when there is something for them to do, and kept. */
const threads = new Set<HashThread>()
let isHelping = false

/**
 * Reads and hashes a file; links are not followed. Files beyond a quarter of a MiB are shared out: several at a time are read
 * on as many cores as there are, on this thread, too, while it has nothing else to do. Throws Node's system errors.
 */
export async function readHashed(path: string, bounds: HashBounds): Promise<HashedFile> {
  if (bounds.size !== undefined && bounds.size > SMALL) return share({ path, bounds }, bounds.size)
  const file = hashFile(path, { ...bounds, most: Math.min(bounds.most ?? SMALL, SMALL) })
  const isTooLarge = file.size > (bounds.size ?? bounds.most ?? Number.POSITIVE_INFINITY)
  return file.content !== null || isTooLarge ? file : share({ path, bounds }, file.size)
}

/**
 * Hashes bytes that are at hand, while this thread goes on: they are given away, and come back with their digest, in hexadecimal
 * digits. Throws `E_INTERNAL` where a thread died with them.
 */
export async function hashAside(bytes: Uint8Array<ArrayBuffer>): Promise<NonNullable<HashedFile['content']>> {
  const size = bytes.byteLength
  const { content } = size > SMALL ? await share({ bytes }, size) : hashed({ bytes })
  if (content === null) throw new StatePackError('E_INTERNAL', 'Hashing gave no digest.')
  return content
}

function share(request: HashRequest, size: number): Promise<HashedFile> {
  return new Promise((resolve, reject) => {
    jobs.push({ request, size, resolve, reject })
    const wanted = Math.min(MOST_THREADS, Math.max(1, availableParallelism() - 1))
    if (threads.size < wanted) begin()
    handOut()
  })
}

function begin(): void {
  const thread = new HashThread({
    onFree: handOut,
    onEnd: () => {
      threads.delete(thread)
      handOut()
    },
  })
  threads.add(thread)
}

function handOut(): void {
  for (const thread of threads) {
    while (thread.isFree) {
      const job = jobs.shift()
      if (job === undefined) return
      thread.hash(job.request).then(file => {
        if (file !== null) return job.resolve(file)
        if ('bytes' in job.request)
          return job.reject(new StatePackError('E_INTERNAL', 'A thread that hashed has died.'))
        jobs.unshift(job)
        handOut()
      }, job.reject)
    }
  }
  if (isHelping || jobs.length === 0) return
  isHelping = true
  setImmediate(help)
}

/** One file between two turns of the loop. */
function help(): void {
  isHelping = false
  const at = jobs.findIndex(({ size }) => size <= HELPED || threads.size === 0)
  const [job] = at === -1 ? [] : jobs.splice(at, 1)
  if (job === undefined) return
  try {
    job.resolve(hashed(job.request))
  } catch (error) {
    job.reject(error)
  }
  handOut()
}
