import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { StatePackError } from '#shared/domain/error.ts'
import { systemCode } from '../store/fsError.ts'

/** A `.cartridge` file on its way in: a stream of bytes, wherever they come from. Read once. */
export interface CartridgeSource {
  /** Take another tool's tar of an OCI layout, too. */
  readonly lenient: boolean
  /** How many bytes it has, once all of it was read. */
  readonly bytes: number
  chunks(): AsyncIterable<Uint8Array>
}

const CHUNK = 1024 * 1024

/**
 * A file that is streamed from where it is, or what somebody uploads: nobody holds it whole.
 * Throws `E_NOT_FOUND`, `E_BAD_INPUT` for what is no plain file, what reading throws.
 */
export async function openSource(file: {
  path?: string
  upload: AsyncIterable<Uint8Array> | null
  lenient: boolean
}): Promise<CartridgeSource> {
  const { path, upload, lenient } = file
  if ((path === undefined) === (upload === null)) {
    throw new StatePackError('E_BAD_INPUT', 'Give either the path of a file or its bytes.')
  }
  const from = upload ?? (await openFile(path ?? ''))
  let bytes = 0
  return {
    lenient,
    get bytes() {
      return bytes
    },
    async *chunks() {
      for await (const chunk of from) {
        bytes += chunk.byteLength
        yield chunk
      }
    },
  }
}

async function openFile(path: string): Promise<AsyncIterable<Uint8Array>> {
  try {
    const found = await stat(path)
    // Never opened: a pipe or a device would be read without end.
    if (!found.isFile()) throw new StatePackError('E_BAD_INPUT', `${path} is not a file.`, { path })
    return createReadStream(path, { highWaterMark: CHUNK })
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    throw new StatePackError('E_NOT_FOUND', `There is no file ${path}.`, { path }, error)
  }
}
