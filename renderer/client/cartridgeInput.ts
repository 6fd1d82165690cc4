import { findBridge } from './bridge.ts'

/** A file that the operating system asked the Studio to open. */
export interface NamedFile {
  readonly name: string
  readonly size: number
  readonly path: string
}

/** A `.cartridge` file that a person chose, dropped or opened. */
export type ChosenFile = File | NamedFile

/** How the engine gets a file: in the desktop app it reads it from where it lies, a page in a browser uploads it. */
export interface CartridgeInput {
  readonly path?: string
  readonly upload?: AsyncIterable<Uint8Array<ArrayBuffer>>
}

/** To be made for each call anew: an upload is read once. */
export function cartridgeInput(file: ChosenFile): CartridgeInput {
  const path = file instanceof File ? findBridge()?.pathOf(file) : file.path
  if (path !== undefined && path !== '') return { path }
  return file instanceof File ? { upload: partsOf(file) } : {}
}

/** Bytes that are read from the disk at once. */
const PART = 2 ** 20

async function* partsOf(file: File): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < file.size; at += PART) yield new Uint8Array(await file.slice(at, at + PART).arrayBuffer())
}
