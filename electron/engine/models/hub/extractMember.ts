import { createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { openPromise } from 'yauzl'
import { StatePackError } from '#shared/domain/error.ts'
import type { Progress } from '#shared/rpc/progress.ts'
import { digestOf, type WantedFile } from '../../network/downloadFile.ts'

export interface ExtractOptions {
  readonly to: string
  /** The bytes it must have. */
  readonly file: WantedFile
  readonly signal?: AbortSignal | undefined
  readonly progress: (progress: Progress) => void
}

/** One file out of a zip archive, and no other. Throws `E_CORRUPT` unless it is there with the bytes that are expected, `E_CANCELLED`. */
export async function extractMember(archive: string, name: string, options: ExtractOptions): Promise<void> {
  const { to, file, signal, progress } = options
  const zip = await openPromise(archive).catch((error: unknown) => {
    throw corrupt(file, 'its archive cannot be opened', error)
  })
  try {
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName !== name) continue
      // Before anything is written: an archive can claim little and unpack to a full disk.
      if (entry.uncompressedSize !== file.size) throw corrupt(file, `it has ${entry.uncompressedSize} bytes`)
      let done = 0
      const counted = new Transform({
        transform(chunk: Buffer, _, next) {
          done += chunk.length
          progress({ phase: 'unpacking', done, total: file.size, unit: 'bytes' })
          next(null, chunk)
        },
      })
      await pipeline(await zip.openReadStreamPromise(entry), counted, createWriteStream(to), { signal })
      if ((await digestOf(to, file, signal)) !== file.digest.hex) throw corrupt(file, 'its digest is another')
      await using handle = await open(to, 'r+')
      await handle.sync()
      return
    }
  } finally {
    zip.close()
  }
  throw corrupt(file, 'it is not in its archive')
}

function corrupt(file: WantedFile, what: string, cause?: unknown): StatePackError {
  return new StatePackError('E_CORRUPT', `${file.path} is not as it should be: ${what}.`, { file: file.path }, cause)
}
