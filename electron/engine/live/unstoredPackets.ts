import type { Digest } from '#shared/domain/digest.ts'
import type { Descriptor } from '#shared/domain/oci.ts'
import type { MemoryHold, MemoryTier } from '../inference/memoryTier.ts'
import type { BlobReader, BlobRef } from '../store/blobReader.ts'
import type { BlobWriter } from '../store/blobWriter.ts'
import type { NewBlob } from '../store/newBlob.ts'

/** Verified reading of blobs, wherever they are. */
export type BlobSource = Pick<BlobReader, 'read'>

interface Kept {
  readonly blob: NewBlob
  readonly hold: MemoryHold
}

/**
 * Cartridges that nobody asked to store: their blobs are in memory while the warm tier has room for them, and then on disk
 * under their digests, as blobs that no name keeps. They can be resolved while the engine runs.
 */
export class UnstoredPackets implements BlobSource {
  readonly #warm: MemoryTier
  readonly #onMove: (digest: Digest) => void
  readonly #disk: { readonly blobs: BlobSource; readonly writer: Pick<BlobWriter, 'putMany'> }
  readonly #kept = new Map<Digest, Kept>()
  readonly #moving = new Map<Digest, Promise<void>>()
  readonly #added = new Set<Digest>()
  /** Everything the unstored packets need, in memory or on disk. */
  readonly #live = new Set<Digest>()
  readonly #packets = new Map<Digest, Digest>()

  /** `onMove`: the bytes of a blob are on their way to disk; whoever decoded views of them lets go. */
  constructor(
    warm: MemoryTier,
    {
      onMove,
      ...disk
    }: {
      readonly blobs: BlobSource
      readonly writer: Pick<BlobWriter, 'putMany'>
      readonly onMove: (digest: Digest) => void
    },
  ) {
    this.#warm = warm
    this.#disk = disk
    this.#onMove = onMove
  }

  /** Keeps a packet's manifest and what else of it is not stored. It is found by its packet_id and its context_id. */
  add(
    packet: { packetId: Digest; contextId: Digest; tokens: number; layers: readonly Descriptor[] },
    blobs: readonly NewBlob[],
  ): void {
    for (const blob of blobs) {
      if (this.#added.has(blob.digest)) continue
      this.#added.add(blob.digest)
      this.#live.add(blob.digest)
      const hold = this.#warm.hold(
        {
          ...{ label: packet.packetId, bytes: blob.size, cost: packet.tokens, from: 'new', below: 'cold' },
          reason: 'kept in memory, not stored',
          evict: () => this.#move(blob),
        },
        { inUse: true },
      )
      this.#kept.set(blob.digest, { blob, hold })
    }
    for (const { digest } of packet.layers) this.#live.add(digest)
    this.#packets.set(packet.contextId, packet.packetId)
    this.#packets.set(packet.packetId, packet.packetId)
    // All of it is there now; from here on any of it may move.
    for (const { digest } of blobs) this.#kept.get(digest)?.hold.rest()
  }

  /** The packet that a packet_id or context_id names; null when none of these is it. */
  packetOf(digest: Digest): Digest | null {
    return this.#packets.get(digest) ?? null
  }

  /** The bytes of a blob that is only in memory. */
  inMemory(digest: Digest): NewBlob | null {
    return this.#kept.get(digest)?.blob ?? null
  }

  /** What must not be collected while this engine runs. */
  liveDigests(): ReadonlySet<Digest> {
    return this.#live
  }

  /** From memory, else from disk, verified there. Throws what reading from disk throws. */
  async read(ref: BlobRef, options?: { maxBytes?: number }): Promise<Uint8Array> {
    const digest = typeof ref === 'string' ? ref : ref.digest
    const kept = this.#kept.get(digest)
    if (kept !== undefined) {
      kept.hold.touch()
      return kept.blob.bytes
    }
    await this.#moving.get(digest)
    return this.#disk.blobs.read(ref, options)
  }

  /** Resolves when what is on its way to disk has arrived. */
  async settle(): Promise<void> {
    await Promise.all(this.#moving.values())
  }

  /** To disk. The bytes can still be read while they are on their way; should the disk refuse them, they stay in memory. */
  #move(blob: NewBlob): void {
    this.#onMove(blob.digest)
    const moving = this.#disk.writer.putMany([blob]).then(
      () => void this.#kept.delete(blob.digest),
      () => {},
    )
    this.#moving.set(
      blob.digest,
      moving.finally(() => this.#moving.delete(blob.digest)),
    )
  }
}
