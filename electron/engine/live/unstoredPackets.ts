import type { Digest } from '#shared/domain/digest.ts'
import type { Descriptor } from '#shared/domain/oci.ts'
import type { MemoryTier } from '../inference/memoryTier.ts'
import type { MemoryHold, TierEntry } from '../inference/tierEntry.ts'
import type { BlobReader, BlobRef } from '../store/blobReader.ts'
import type { BlobWriter } from '../store/blobWriter.ts'
import type { NewBlob } from '../store/newBlob.ts'

/** Verified reading of blobs, wherever they are. */
export type BlobSource = Pick<BlobReader, 'read'>

interface Owned {
  readonly contextId: Digest
  readonly digests: readonly Digest[]
}

/** Most unstored packets that can be resolved: a busy server makes one with every answer. */
const MOST_PACKETS = 4096

interface Kept {
  readonly blob: NewBlob
  readonly entry: Omit<TierEntry, 'from' | 'reason'>
  hold: MemoryHold
}

/**
 * Cartridges that nobody asked to store: their blobs are in memory while the warm tier has room for them, and then on disk
 * under their digests, as blobs that no name keeps. The most recently used of them can be resolved while the engine runs.
 */
export class UnstoredPackets implements BlobSource {
  readonly #warm: MemoryTier
  readonly #onMove: (digest: Digest) => void
  readonly #onForget: (packetId: Digest) => void
  readonly #disk: { readonly blobs: BlobSource; readonly writer: Pick<BlobWriter, 'putMany'> }
  readonly #kept = new Map<Digest, Kept>()
  readonly #moving = new Map<Digest, Promise<void>>()
  /** What the disk did not take. */
  readonly #refused = new Set<Digest>()
  #leaving: { readonly blobs: NewBlob[]; readonly arrived: Promise<void> } | null = null
  #written: Promise<void> = Promise.resolve()
  /** Blobs that only unstored packets have, in memory or on disk. */
  readonly #added = new Set<Digest>()
  /** How many unstored packets need a blob. */
  readonly #needs = new Map<Digest, number>()
  readonly #packets = new Map<Digest, Digest>()
  /** What each packet needs, least recently used first. */
  readonly #owned = new Map<Digest, Owned>()
  readonly #most: number

  /**
   * `onMove`: the bytes of a blob leave memory; whoever decoded views of them lets go. `onForget`: a packet can no longer
   * be resolved, because `most` others were used since.
   */
  constructor(
    warm: MemoryTier,
    {
      onMove,
      onForget,
      most = MOST_PACKETS,
      ...disk
    }: {
      readonly blobs: BlobSource
      readonly writer: Pick<BlobWriter, 'putMany'>
      readonly onMove: (digest: Digest) => void
      readonly onForget: (packetId: Digest) => void
      readonly most?: number
    },
  ) {
    this.#warm = warm
    this.#disk = disk
    this.#onMove = onMove
    this.#onForget = onForget
    this.#most = most
  }

  /**
   * Keeps a packet's manifest and what else of it is not stored. It is found by its packet_id and its context_id. `cost`: tokens
   * that would have to be read again without these blobs. They are of use together, so they are worth the same by the byte.
   */
  add(
    packet: { packetId: Digest; contextId: Digest; cost: number; layers: readonly Descriptor[] },
    blobs: readonly NewBlob[],
  ): void {
    const bytes = blobs.reduce((sum, { size }) => sum + size, 0)
    for (const blob of blobs) {
      if (this.#added.has(blob.digest)) continue
      this.#added.add(blob.digest)
      const entry = {
        ...{ label: packet.packetId, bytes: blob.size, cost: (packet.cost * blob.size) / bytes },
        ...{ below: 'cold' as const, evict: () => this.#move(blob) },
      }
      const hold = this.#warm.hold({ ...entry, from: 'new', reason: 'kept in memory, not stored' }, { inUse: true })
      this.#kept.set(blob.digest, { blob, entry, hold })
    }
    const { packetId, contextId } = packet
    this.#packets.set(contextId, packetId)
    this.#packets.set(packetId, packetId)
    if (!this.#owned.has(packetId)) {
      const digests = [...new Set([...blobs, ...packet.layers].map(({ digest }) => digest))]
      for (const digest of digests) this.#needs.set(digest, (this.#needs.get(digest) ?? 0) + 1)
      this.#owned.set(packetId, { contextId, digests })
    }
    // All of it is there now; from here on any of it may move.
    for (const { digest } of blobs) this.#kept.get(digest)?.hold.rest()
    // The disk may have room again.
    const refused = [...this.#refused]
    this.#refused.clear()
    for (const digest of refused) this.#kept.get(digest)?.hold.rest()
    const [oldest] = this.#owned.keys()
    if (this.#owned.size > this.#most && oldest !== undefined) this.#forget(oldest)
  }

  /** The packet that a packet_id or context_id names; null when none of these is it. */
  packetOf(digest: Digest): Digest | null {
    const packetId = this.#packets.get(digest) ?? null
    const owned = packetId === null ? undefined : this.#owned.get(packetId)
    if (packetId === null || owned === undefined) return null
    this.#owned.delete(packetId)
    this.#owned.set(packetId, owned)
    return packetId
  }

  /** The bytes of a blob that is only in memory. */
  inMemory(digest: Digest): NewBlob | null {
    return this.#kept.get(digest)?.blob ?? null
  }

  /** What must not be collected while this engine runs. */
  liveDigests(): ReadonlySet<Digest> {
    return new Set(this.#needs.keys())
  }

  /** From memory, else from disk, verified there. Throws what reading from disk throws. */
  async read(ref: BlobRef, options?: { maxBytes?: number }): Promise<Uint8Array> {
    return (await this.#fromMemory(ref)) ?? this.#disk.blobs.read(ref, options)
  }

  /** The bytes from memory; null once they are on disk. */
  async #fromMemory(ref: BlobRef): Promise<Uint8Array | null> {
    const digest = typeof ref === 'string' ? ref : ref.digest
    const kept = this.#kept.get(digest)
    if (kept === undefined) {
      await this.#moving.get(digest)
      return null
    }
    kept.hold.touch()
    return kept.blob.bytes
  }

  /** Resolves when what is on its way to disk has arrived. */
  async settle(): Promise<void> {
    while (this.#moving.size > 0) await Promise.all(this.#moving.values())
  }

  #forget(packetId: Digest): void {
    const owned = this.#owned.get(packetId)
    if (owned === undefined) return
    this.#owned.delete(packetId)
    this.#packets.delete(packetId)
    if (this.#packets.get(owned.contextId) === packetId) this.#packets.delete(owned.contextId)
    for (const digest of owned.digests) {
      const needs = (this.#needs.get(digest) ?? 1) - 1
      if (needs > 0) {
        this.#needs.set(digest, needs)
        continue
      }
      this.#needs.delete(digest)
      this.#added.delete(digest)
      const kept = this.#kept.get(digest)
      if (kept === undefined) continue
      this.#kept.delete(digest)
      this.#onMove(digest)
      kept.hold.drop()
    }
    this.#onForget(packetId)
  }

  /**
   * To disk. The bytes can still be read while they are on their way; should the disk refuse them, they stay in memory, counted,
   * until it is tried again.
   */
  #move(blob: NewBlob): void {
    this.#onMove(blob.digest)
    this.#leaving ??= this.#nextGroup()
    this.#leaving.blobs.push(blob)
    const arrived = this.#leaving.arrived.finally(() => this.#moving.delete(blob.digest))
    this.#moving.set(blob.digest, arrived)
  }

  /** What leaves while others are being written goes together after them: one flush of the folder for all. */
  #nextGroup(): { readonly blobs: NewBlob[]; readonly arrived: Promise<void> } {
    const blobs: NewBlob[] = []
    const arrived = this.#written.then(async () => {
      this.#leaving = null
      await this.#write(blobs)
    })
    this.#written = arrived
    return { blobs, arrived }
  }

  async #write(blobs: readonly NewBlob[]): Promise<void> {
    try {
      await this.#disk.writer.putMany(blobs, { areNew: true })
    } catch {
      for (const { digest } of blobs) {
        const kept = this.#kept.get(digest)
        if (kept === undefined) continue
        this.#refused.add(digest)
        kept.hold = this.#warm.hold({ ...kept.entry, from: 'cold', reason: 'the disk refused it' }, { inUse: true })
      }
      return
    }
    for (const blob of blobs) if (this.#kept.get(blob.digest)?.blob === blob) this.#kept.delete(blob.digest)
  }
}
