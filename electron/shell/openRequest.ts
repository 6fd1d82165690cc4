/**
 * What the operating system asks the Studio to open. A file or a link only ever opens the review sheet: nothing is
 * imported, fetched or run before a person has looked at it.
 */
import { stat } from 'node:fs/promises'
import { basename, extname, resolve } from 'node:path'
import { StatePackError } from '#shared/domain/error.ts'
import { addressIn, isStudioLink } from '#shared/domain/studioLink.ts'

export type OpenRequest =
  | { readonly kind: 'review'; readonly file: { readonly name: string; readonly size: number; readonly path: string } }
  | { readonly kind: 'review-link'; readonly link: string }
  | { readonly kind: 'go'; readonly route: string }
  | { readonly kind: 'command'; readonly command: string }

/** `statepack://import?from=<https, oci or hf address>`; null for any other link. */
export function parseStudioLink(link: string): OpenRequest | null {
  const address = addressIn(link)
  return address === null ? null : { kind: 'review-link', link: address }
}

/** The files and links among the arguments a second start was given; its switches are not looked at. */
export function openedByArguments(args: readonly string[]): { files: string[]; links: string[] } {
  const plain = args.filter(arg => !arg.startsWith('-'))
  return {
    files: plain.filter(arg => extname(arg).toLowerCase() === '.cartridge' && !arg.includes('://')),
    links: plain.filter(isStudioLink),
  }
}

/** Where a `.cartridge` file lies, for review: the engine streams it from there. Throws `E_NOT_FOUND`, `E_BAD_INPUT`. */
export async function fileForReview(file: string): Promise<OpenRequest> {
  const found = await stat(file).catch((cause: unknown) => {
    throw new StatePackError('E_NOT_FOUND', `${basename(file)} cannot be opened.`, {}, cause)
  })
  if (!found.isFile() || extname(file).toLowerCase() !== '.cartridge') {
    throw new StatePackError('E_BAD_INPUT', `${basename(file)} is not a .cartridge file.`)
  }
  return { kind: 'review', file: { name: basename(file), size: found.size, path: resolve(file) } }
}
