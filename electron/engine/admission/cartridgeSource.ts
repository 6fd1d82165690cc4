import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { StatePackError } from '#shared/domain/error.ts'
import { systemCode } from '../store/fsError.ts'

/** A `.cartridge` file on its way in: a stream of bytes, wherever they come from. */
export interface CartridgeSource {
  /** Bytes it is said to have. */
  readonly size: number
  /** Take another tool's tar of an OCI layout, too. */
  readonly lenient: boolean
  /** From the first byte on, each time. */
  chunks(): AsyncIterable<Uint8Array>
}

const CHUNK = 1024 * 1024

/**
 * Bytes that are here already (what a window uploads), or a file that is streamed from where it is: nobody holds it whole.
 * Throws `E_NOT_FOUND`, `E_BAD_INPUT` for what is no plain file, what reading throws.
 */
export async function openSource(file: {
  bytes?: Uint8Array
  path?: string
  lenient: boolean
}): Promise<CartridgeSource> {
  const { bytes, path, lenient } = file
  if (bytes !== undefined) {
    return {
      size: bytes.byteLength,
      lenient,
      async *chunks() {
        yield bytes
      },
    }
  }
  if (path === undefined) throw new StatePackError('E_BAD_INPUT', 'There is no file to read.')
  try {
    const found = await stat(path)
    // Never opened: a pipe or a device would be read without end.
    if (!found.isFile()) throw new StatePackError('E_BAD_INPUT', `${path} is not a file.`, { path })
    return { size: found.size, lenient, chunks: () => createReadStream(path, { highWaterMark: CHUNK }) }
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    throw new StatePackError('E_NOT_FOUND', `There is no file ${path}.`, { path }, error)
  }
}
