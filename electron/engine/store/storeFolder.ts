import { dirname } from 'node:path'
import { StatePackError } from '#shared/domain/error.ts'
import { layoutSchema } from '#shared/domain/oci.ts'
import { writeDurably } from './durableFile.ts'
import { makeFolderDurably } from './durableFolder.ts'
import type { Fs } from './fs.ts'
import { storeError, systemCode } from './fsError.ts'
import { OCI_LAYOUT_BYTES, type StoreLayout } from './layout.ts'
import { parseStrictJson } from './strictJson.ts'

/** Makes the folder a store when it is none. Throws `E_STORE_UNREADABLE`, `E_STORE_VERSION`, `E_DISK_FULL`, `E_IO`. */
export async function prepareFolder(fs: Fs, layout: StoreLayout): Promise<void> {
  try {
    for (const path of [layout.folder, layout.blobs, layout.tmp, layout.unstored]) await makeFolderDurably(fs, path)
    if (!(await hasLayoutFile(fs, layout))) {
      // Folders first, also those a killed process made: where there is a layout file they need no flush again.
      for (const path of [dirname(layout.blobs), layout.folder, dirname(layout.folder)]) await fs.syncFolder(path)
      await writeDurably(fs, { path: layout.layoutFile, tmp: layout.tmp, bytes: OCI_LAYOUT_BYTES })
    }
    await checkLayoutFile(fs, layout)
  } catch (error) {
    throw storeError(error, `open the store in ${layout.folder}`, 'write')
  }
}

async function hasLayoutFile(fs: Fs, layout: StoreLayout): Promise<boolean> {
  try {
    await fs.status(layout.layoutFile)
    return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
}

/** Throws `E_STORE_UNREADABLE` where there is no store, `E_STORE_VERSION` where it is none that we read. */
export async function checkLayoutFile(fs: Fs, layout: StoreLayout): Promise<void> {
  let bytes: Uint8Array
  try {
    const file = await fs.open(layout.layoutFile, 'read')
    try {
      bytes = await file.read(0, 4096)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') {
      throw new StatePackError('E_STORE_UNREADABLE', 'There is no store in this folder.', { folder: layout.folder })
    }
    throw storeError(error, 'read the store', 'read')
  }
  try {
    layoutSchema.parse(parseStrictJson(bytes))
  } catch (cause) {
    throw new StatePackError('E_STORE_VERSION', 'This folder is not an OCI image layout of version 1.0.0.', {}, cause)
  }
}
