import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Descriptor, Manifest } from '#shared/domain/oci.ts'
import type { BlobReader } from './blobReader.ts'
import type { BlobWriter } from './blobWriter.ts'
import { type ExportOptions, exportCartridge, exportCartridgeFile } from './cartridgeFile/exportCartridge.ts'
import { type ImportOptions, importCartridge, importCartridgeFile } from './cartridgeFile/importCartridge.ts'
import { fillIndex } from './fillIndex.ts'
import { collectGarbage, type GcOptions, type GcResult } from './gc.ts'
import type { Library } from './library/library.ts'
import { type BuiltManifest, type LayerInput, readManifest } from './manifests.ts'
import type { NewBlob } from './newBlob.ts'
import { type PublishOptions, type PublishResult, publishManifest, publishPacket, publishReferrer } from './publish.ts'
import { giveReserve, keepReserve } from './reserve.ts'
import { listPackets, type PacketList, type PacketQuery, type PacketSummary } from './search/listPackets.ts'
import { isDamage, type SearchIndex } from './search/searchIndex.ts'
import type { PacketWords } from './search/wordIndex.ts'
import type { StoreParts } from './storeParts.ts'

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
    packet: PublishOptions & { manifest: NewBlob; newBlobs?: BuiltManifest['newBlobs'] },
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

  /** All packets together, and what they take on disk: what several have lies there once. */
  async totals(): Promise<{ packets: number; bytes: number }> {
    await this.#refresh()
    return { packets: this.index.count(), bytes: await this.parts.diskUse.bytes() }
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

  /** Says that names or deletions changed, so that index.json follows. */
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
      this.parts.holds.close()
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
