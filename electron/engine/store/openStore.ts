/** Opening a store. docs/format.md describes the folder. */
import { ProcessLock } from '../processLock.ts'
import { adoptPackets } from './adopt.ts'
import { BlobReader } from './blobReader.ts'
import { BlobWriter } from './blobWriter.ts'
import { DiskUse } from './diskUse.ts'
import { Entrance } from './entrance.ts'
import { fillIndex } from './fillIndex.ts'
import type { Fs } from './fs.ts'
import { storeError } from './fsError.ts'
import { Holds } from './holds.ts'
import { IndexFile } from './indexFile.ts'
import { type StoreLayout, storeLayout } from './layout.ts'
import { openLibrary } from './library/library.ts'
import { nodeFs } from './nodeFs.ts'
import type { DescribePacket } from './packetIndexEntry.ts'
import { enterTogether } from './publish.ts'
import { readOnlyFs } from './readOnlyFs.ts'
import { giveReserve, keepReserve, takeBackReserve } from './reserve.ts'
import { SearchIndex } from './search/searchIndex.ts'
import { Store } from './store.ts'
import { checkLayoutFile, prepareFolder } from './storeFolder.ts'
import type { StoreParts } from './storeParts.ts'
import { clearAbandoned } from './tempFiles.ts'

export interface OpenStoreOptions {
  /** Says what the search index should know of a packet; the store itself does not look into configs. */
  readonly describe: DescribePacket
  readonly readOnly?: boolean
  /** The disk; tests give a simulated one. */
  readonly fs?: Fs
  /** Milliseconds since 1970. */
  readonly clock?: () => number
  /** Where the SQLite files lie, when not in the store's folder (tests with a simulated disk). */
  readonly databases?: string
}

/**
 * Opens the store in `folder`, creating it when it is not there. Clears what killed processes left, brings the search
 * index up to date. Throws `E_STORE_UNREADABLE`, `E_STORE_VERSION`, `E_DISK_FULL`, `E_READ_ONLY`, `E_IO`.
 */
export async function openStore(folder: string, options: OpenStoreOptions): Promise<Store> {
  const { reserve } = storeLayout(options.databases ?? folder)
  try {
    return await openAsAsked(folder, options)
  } catch (error) {
    if (options.readOnly === true || !giveReserve(reserve)) throw error
    const store = await openAsAsked(folder, options)
    takeBackReserve(reserve)
    return store
  }
}

/**
 * Opens the store as it can be: for reading only, where its disk or its permissions allow nothing else or are full, and it
 * is there already. Throws as {@link openStore}.
 */
export async function openAsAllowed(folder: string, options: OpenStoreOptions): Promise<Store> {
  try {
    return await openStore(folder, options)
  } catch (error) {
    // Some of these say how SQLite failed, not why; a second failure says nothing that the first did not.
    return await openStore(folder, { ...options, readOnly: true }).catch(() => {
      throw error
    })
  }
}

async function openAsAsked(folder: string, options: OpenStoreOptions): Promise<Store> {
  const readOnly = options.readOnly ?? false
  const fs = readOnly ? readOnlyFs(options.fs ?? nodeFs) : (options.fs ?? nodeFs)
  const layout: StoreLayout = storeLayout(folder)
  const databases = storeLayout(options.databases ?? folder)
  const now = options.clock ?? Date.now
  if (readOnly) await checkLayoutFile(fs, layout)
  else await prepareFolder(fs, layout)

  const opened: { close(): void }[] = []
  const clear = async (alone: boolean) => {
    await clearAbandoned(fs, layout.tmp, { now: now(), alone })
    // What another process spilled lives as long as that does, however old it is.
    if (alone) await clearAbandoned(fs, layout.unstored, { now: now(), alone })
  }
  try {
    const lock = new ProcessLock(readOnly ? ':memory:' : databases.lock)
    const presence = new ProcessLock(readOnly ? ':memory:' : databases.lock)
    opened.push(lock, presence)
    if (!readOnly) {
      await presence.enter(() => clear(true))
      await clear(false)
    }
    // One process at a time creates or repairs; the others find it done.
    return await lock.exclusive(async () => {
      const library = openLibrary(databases.library, { readOnly })
      opened.push(library)
      const index = new SearchIndex(library, databases.index, { memory: readOnly })
      const diskUse = new DiskUse(fs, layout, now)
      const parts: StoreParts = {
        folder,
        layout,
        fs,
        blobs: new BlobReader(fs, layout),
        writer: new BlobWriter(fs, layout, diskUse),
        diskUse,
        library,
        holds: new Holds(library.referrers, { now, isReadOnly: readOnly }),
        index,
        indexFile: new IndexFile(fs, layout, library),
        lock,
        entrance: new Entrance(lock, arrivals => enterTogether(parts, arrivals)),
        presence,
        describe: options.describe,
        now,
      }
      if (library.isNew) await adoptPackets(parts)
      await fillIndex(parts)
      if (!readOnly) keepReserve(databases.reserve)
      return new Store(parts, readOnly, databases.reserve)
    })
  } catch (error) {
    for (const part of opened.reverse()) part.close()
    throw storeError(error, 'open the store', readOnly ? 'read' : 'write')
  }
}
