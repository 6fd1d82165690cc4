import { StatePackError } from '#shared/domain/error.ts'
import { findBridge } from './bridge.ts'

/** A file that the operating system asked the Studio to open. */
export interface NamedFile {
  readonly name: string
  readonly size: number
  readonly path: string
}

/** A `.cartridge` file that a person chose, dropped or opened. */
export type ChosenFile = File | NamedFile

/** What a page can send of a file at once; the engine itself streams files of any size. */
const MOST_SENT = 1024 ** 3

/**
 * How the engine gets a file: in the desktop app it reads it from where it lies, a page in a browser sends its bytes. Throws
 * `E_TOO_LARGE` for what a page cannot send, and says what can.
 */
export async function cartridgeInput(file: ChosenFile): Promise<{ path: string } | { bytes: Uint8Array<ArrayBuffer> }> {
  const path = file instanceof File ? findBridge()?.pathOf(file) : file.path
  if (path !== undefined && path !== '') return { path }
  if (!(file instanceof File)) throw new StatePackError('E_NOT_FOUND', `${file.name} has no place on this disk.`)
  if (file.size > MOST_SENT) {
    throw new StatePackError(
      'E_TOO_LARGE',
      `${file.name} is larger than 1 GiB, which is all that a page can send. The desktop app and “statepack import” take it.`,
    )
  }
  return { bytes: new Uint8Array(await file.arrayBuffer()) }
}
