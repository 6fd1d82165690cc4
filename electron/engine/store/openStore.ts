/** Opening a store, and what an open store can do. docs/format.md describes the folder. */
import { dirname } from 'node:path'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { type Descriptor, layoutSchema, type Manifest } from '#shared/domain/oci.ts'
import { ProcessLock } from '../processLock.ts'
import { adoptPackets } from './adopt.ts'
import { BlobReader } from './blobReader.ts'
import { BlobWriter } from './blobWriter.ts'
import { type ExportOptions, exportCartridge, exportCartridgeFile } from './cartridgeFile/exportCartridge.ts'
import { type ImportOptions, importCartridge, importCartridgeFile } from './cartridgeFile/importCartridge.ts'
import { describeAll } from './describePackets.ts'
import { writeDurably } from './durableFile.ts'
import { makeFolderDurably } from './durableFolder.ts'
import type { Fs } from './fs.ts'
import { storeError, systemCode } from './fsError.ts'
import { collectGarbage, type GcOptions, type GcResult } from './gc.ts'
import { IndexFile } from './indexFile.ts'
import { OCI_LAYOUT_BYTES, type StoreLayout, storeLayout } from './layout.ts'
import { type Library, openLibrary } from './library/library.ts'
import { type LayerInput, readManifest } from './manifests.ts'
import type { NewBlob } from './newBlob.ts'
import { nodeFs } from './nodeFs.ts'
import type { DescribePacket } from './packetIndexEntry.ts'
import { type PublishOptions, type PublishResult, publishManifest, publishPacket, publishReferrer } from './publish.ts'
import { readOnlyFs } from './readOnlyFs.ts'
import { giveReserve, keepReserve, takeBackReserve } from './reserve.ts'
import { listPackets, type PacketList, type PacketQuery, type PacketSummary } from './search/listPackets.ts'
import { isDamage, SearchIndex } from './search/searchIndex.ts'
import type { PacketWords } from './search/wordIndex.ts'
import type { StoreParts } from './storeParts.ts'
import { parseStrictJson } from './strictJson.ts'
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
  const clear = async (alone: boolean) => void (await clearAbandoned(fs, layout.tmp, { now: now(), alone }))
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
      const parts: StoreParts = {
        folder,
        layout,
        fs,
        blobs: new BlobReader(fs, layout),
        writer: new BlobWriter(fs, layout),
        library,
        index,
        indexFile: new IndexFile(fs, layout, library),
        lock,
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

/** An open store. Reading, writing and managing are different members, so that code can be handed only what it needs. */
export class Store {
  /** Verified reads. */
  readonly blobs: BlobReader
  /** Durable writes; blobs that no publication follows are garbage. */
  readonly writer: BlobWriter
  readonly library: Library
  readonly index: SearchIndex
  readonly parts: StoreParts
  readonly readOnly: boolean
  readonly #reserve: string

  constructor(parts: StoreParts, readOnly: boolean, reserve: string) {
    this.parts = parts
    this.#reserve = reserve
    this.readOnly = readOnly
    this.blobs = parts.blobs
    this.writer = parts.writer
    this.library = parts.library
    this.index = parts.index
  }

  get folder(): string {
    return this.parts.folder
  }

  /** See {@link publishPacket}. */
  publishPacket(packet: PublishOptions & { config: NewBlob; layers: readonly LayerInput[] }): Promise<PublishResult> {
    return publishPacket(this.parts, packet)
  }

  /** See {@link publishManifest}. */
  publishManifest(
    packet: PublishOptions & { manifest: NewBlob; newBlobs?: readonly NewBlob[] },
  ): Promise<PublishResult> {
    return publishManifest(this.parts, packet)
  }

  /** See {@link publishReferrer}. */
  publishReferrer(referrer: { manifest: Uint8Array; newBlobs?: readonly NewBlob[] }): Promise<Descriptor> {
    return publishReferrer(this.parts, referrer)
  }

  /** A stored manifest, verified. Throws `E_NOT_FOUND`, `E_CORRUPT`, `E_BAD_FORMAT`. */
  readManifest(packetId: Digest): Promise<Manifest> {
    return readManifest(this.blobs, packetId)
  }

  /** See {@link SearchIndex.withText}. */
  async withText(digest: Digest): Promise<{ packetId: Digest; whole: boolean }[]> {
    await this.#refresh()
    return this.index.withText(digest)
  }

  /**
   * Enters what named packets are about into the index, those that are not there yet. `read` gives their words; what it throws
   * leaves that packet out.
   */
  async indexWords(read: (packetId: Digest) => Promise<PacketWords>): Promise<void> {
    await this.#refresh()
    for (const packetId of this.index.words.missing()) {
      const words = await read(packetId).catch(() => null)
      if (words !== null) this.index.words.put(packetId, words)
    }
  }

  /** The index of how packets begin, as it is now: see {@link SearchIndex.withPrefix}. */
  async prefixes(): Promise<Pick<SearchIndex, 'withPrefix' | 'prefixLengths'>> {
    await this.#refresh()
    return this.index
  }

  /** Lists packets; a damaged index is built again on the way. */
  async list(query: PacketQuery = {}): Promise<PacketList> {
    await this.#refresh()
    return listPackets(this.library.connection, query)
  }

  /** All packets of the library together. Bytes that packets share count for each of them. */
  async totals(): Promise<{ packets: number; bytes: number }> {
    await this.#refresh()
    return this.index.totals()
  }

  /** What the list shows of one packet. Throws `E_NOT_FOUND`. */
  async summary(packetId: Digest): Promise<PacketSummary> {
    const [found] = (await this.list({ packetId, limit: 1 })).items
    if (found === undefined) {
      throw new StatePackError('E_NOT_FOUND', 'There is no such cartridge in the library.', { packetId })
    }
    return found
  }

  /** See {@link exportCartridge}. */
  exportCartridge(packetId: Digest, options: ExportOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    return exportCartridge(this.parts, packetId, options)
  }

  /** See {@link exportCartridgeFile}. */
  exportCartridgeFile(target: ExportOptions & { packetId: Digest; path: string }): Promise<number> {
    return exportCartridgeFile(this.parts, target)
  }

  /** See {@link importCartridge}. */
  importCartridge(source: AsyncIterable<Uint8Array>, options: ImportOptions = {}): Promise<PublishResult> {
    return importCartridge(this.parts, source, options)
  }

  /** See {@link importCartridgeFile}. */
  importCartridgeFile(file: ImportOptions & { path: string }): Promise<PublishResult> {
    return importCartridgeFile(this.parts, file)
  }

  /** See {@link collectGarbage}. */
  async gc(options: GcOptions = {}): Promise<GcResult> {
    const result = await this.freeing(() => collectGarbage(this.parts, options))
    if (options.dryRun !== true) keepReserve(this.#reserve)
    return result
  }

  /** Runs what makes room. On a full disk the room kept back for it is given up; work that failed is run once more. */
  async freeing<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (this.readOnly || !giveReserve(this.#reserve)) throw error
      return await work()
    }
  }

  /** Says that names or deletions changed, so that index.json follows within a second. */
  touchIndexFile(): void {
    this.parts.indexFile.touch()
  }

  /** Throws the search index away and builds it again from blobs and library. */
  rebuildIndex(): Promise<void> {
    return this.parts.lock.exclusive(async () => {
      this.index.reset()
      await fillIndex(this.parts)
    })
  }

  /** Writes index.json, seals the search index, closes the files. Everything acknowledged is durable without it. */
  async close(): Promise<void> {
    try {
      if (!this.readOnly) await this.parts.indexFile.flush()
    } finally {
      if (!this.readOnly) await this.parts.lock.exclusive(async () => this.index.close())
      this.library.close()
      this.parts.lock.close()
      this.parts.presence.close()
    }
  }

  async #refresh(): Promise<void> {
    try {
      // Another process may have published since.
      if (this.index.missing().length > 0) await fillIndex(this.parts)
    } catch (error) {
      if (!isDamage(error)) throw error
      await this.rebuildIndex()
    }
  }
}

async function fillIndex(parts: StoreParts): Promise<void> {
  const missing = parts.index.missing()
  if (missing.length > 0) parts.index.put(await describeAll(parts.blobs, parts.describe, missing))
}

async function prepareFolder(fs: Fs, layout: StoreLayout): Promise<void> {
  try {
    for (const path of [layout.folder, layout.blobs, layout.tmp]) await makeFolderDurably(fs, path)
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

async function checkLayoutFile(fs: Fs, layout: StoreLayout): Promise<void> {
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
