import { findBridge } from './bridge.ts'

/** A file that the operating system asked the Studio to open. */
export interface NamedFile {
  readonly name: string
  readonly size: number
  readonly path: string
}

/** A cartridge that is offered at an address. */
export interface Offered {
  /** As it is called where it is offered. */
  readonly name: string
  readonly from: string
  /** A link or a stranger's list named the address, no person here did. */
  readonly link: boolean
  /** Nothing is fetched before a person has seen where the address leads. */
  readonly asksFirst: boolean
  /** The entry of a catalogue that led here. */
  readonly entry?: { readonly catalogue: string; readonly name: string }
  /** Who has published it, as the catalogue says. */
  readonly publisher?: { readonly keyid: string; readonly name: string }
}

/** A `.cartridge` file that a person chose, dropped or opened, or a cartridge that somebody offers. */
export type Candidate = File | NamedFile | Offered

export function isOffered(candidate: Candidate): candidate is Offered {
  return 'from' in candidate
}

/** How the engine gets it: it fetches what is offered, reads a file from where it lies, and a page in a browser uploads it. */
export interface CartridgeInput {
  readonly input: { readonly path?: string; readonly from?: string; readonly link?: boolean }
  readonly upload?: AsyncIterable<Uint8Array<ArrayBuffer>>
}

/** To be made for each call anew: an upload is read once. */
export function cartridgeInput(candidate: Candidate): CartridgeInput {
  if (isOffered(candidate)) return { input: { from: candidate.from, link: candidate.link } }
  const path = candidate instanceof File ? findBridge()?.pathOf(candidate) : candidate.path
  if (path !== undefined && path !== '') return { input: { path } }
  return candidate instanceof File ? { input: {}, upload: partsOf(candidate) } : { input: {} }
}

/** Bytes that are read from the disk at once. */
const PART = 2 ** 20

async function* partsOf(file: File): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < file.size; at += PART) yield new Uint8Array(await file.slice(at, at + PART).arrayBuffer())
}
