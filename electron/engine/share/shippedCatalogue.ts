import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ShareContext } from './shareContext.ts'
import { type OpenedCatalogue, openCatalogue } from './signedCatalogue.ts'

/** What the catalogue that came with the app is called, as a place. */
export const SHIPPED = 'shipped'

/** Made by `scripts/makeCatalogue.ts`. */
export async function shippedCatalogue({ assetsFolder }: Pick<ShareContext, 'assetsFolder'>): Promise<OpenedCatalogue> {
  return await openCatalogue(await readFile(join(assetsFolder, 'catalogue', 'catalogue.json')))
}

/** Where a cartridge of it lies. `name` is lower-case letters, digits and -, as its place was read. */
export function shippedFile({ assetsFolder }: Pick<ShareContext, 'assetsFolder'>, name: string): string {
  return join(assetsFolder, 'catalogue', `${name}.cartridge`)
}
