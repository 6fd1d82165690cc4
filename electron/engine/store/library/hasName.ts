import { existsSync } from 'node:fs'
import { storeLayout } from '../layout.ts'
import { openLibrary } from './library.ts'

/** Whether a cartridge or a collection of the store in `folder` is called so. Opens nothing but the library, for reading; no store: false. */
export function hasName(folder: string, name: string): boolean {
  const path = storeLayout(folder).library
  if (!existsSync(path)) return false
  const library = openLibrary(path, { readOnly: true })
  try {
    return library.packets.names.named(name) !== null || library.collections.named(name) !== null
  } finally {
    library.close()
  }
}
