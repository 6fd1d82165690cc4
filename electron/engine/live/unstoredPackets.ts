import type { Digest } from '#shared/domain/digest.ts'
import type { Descriptor } from '#shared/domain/oci.ts'
import type { MemoryTier } from '../inference/memoryTier.ts'
import type { MemoryHold, TierEntry } from '../inference/tierEntry.ts'
import { type Log, silentLog } from '../logging/openLog.ts'
import type { BlobReader, BlobRef } from '../store/blobReader.ts'
import type { NewBlob } from '../store/newBlob.ts'
import type { StoreParts } from '../store/storeParts.ts'
import { PacketNeeds } from './packetNeeds.ts'
import { Spill } from './spill.ts'

/** Verified reading of blobs, wherever they are. */
export type BlobSource = Pick<BlobReader, 'read'>

/** Most unstored packets that can be resolved: a busy server makes one with every answer. */
const MOST_PACKETS = 4096
/** So much of the warm tier's budget, and at most so many bytes, leave in one go: a write for each state costs every step of a small model. */
const AT_ONCE_PART = 1 / 16
const MOST_AT_ONCE = 4 * 1024 * 1024

interface Kept {
  readonly blob: NewBlob
  readonly entry: Omit<TierEntry, 'from' | 'reason'>
  hold: MemoryHold
}

export interface UnstoredOptions {
  readonly warm: MemoryTier
  readonly cold: MemoryTier
  readonly store: Pick<StoreParts, 'fs' | 'layout' | 'blobs' | 'holds'>
  /** Brings the cold tier's budget up to date; asked for before each write. */
  readonly prepare?: () => Promise<unknown>
  /** The bytes of a blob leave memory; whoever decoded views of them lets go. */
  readonly onMove: (digest: Digest) => void
  /** A packet can no longer be resolved: others were used since, or the cold tier had no room for it. */
  readonly onForget: (packetId: Digest) => void
  /** Has something done when the running operation is over; false outside of any. */
  readonly whenOver?: (release: () => void) => boolean
  readonly most?: number
  readonly log?: Pick<Log, 'failed'>
}

/**
 * Cartridges that nobody asked to store: their blobs are in memory while the warm tier has room for them, and then on disk
 * while the cold tier has. The most recently used of them can be resolved while the engine runs.
 */
export class UnstoredPackets implements BlobSource {
  readonly #warm: MemoryTier
  readonly #cold: MemoryTier
  readonly #blobs: BlobSource
  readonly #holds: StoreParts['holds']
  readonly #spill: Spill
  readonly #onMove: (digest: Digest) => void
  readonly #onForget: (packetId: Digest) => void
  readonly #whenOver: (release: () => void) => boolean
  readonly #most: number
  readonly #needs = new PacketNeeds()
  readonly #kept = new Map<Digest, Kept>()
  /** Blobs that only unstored packets have, in memory or on disk. */
  readonly #added = new Set<Digest>()
  /** By packet, the stored ones that it goes on from, and how they are no longer held for it. */
  readonly #bases = new Map<Digest, readonly { readonly packetId: Digest; readonly release: () => void }[]>()
  /** Packets that operations use. */
  readonly #users = new Map<Digest, number>()
  readonly #moving = new Map<Digest, Promise<void>>()
  /** What the disk did not take. */
  readonly #refused = new Set<Digest>()
  #leaving: { readonly kept: Kept[]; readonly arrived: Promise<void> } | null = null
  #written: Promise<void> = Promise.resolve()

  constructor({ warm, cold, store, most = MOST_PACKETS, ...options }: UnstoredOptions) {
    const { prepare = async () => {}, whenOver = () => false, log = silentLog } = options
    this.#warm = warm
    this.#cold = cold
    this.#blobs = store.blobs
    this.#holds = store.holds
    this.#spill = new Spill(cold, { store, prepare, log, onGone: digests => this.#gone(digests) })
    this.#onMove = options.onMove
    this.#onForget = options.onForget
    this.#whenOver = whenOver
    this.#most = most
  }

  /**
   * Keeps a packet's manifest and what else of it is not stored. It is found by its packet_id and its context_id. `cost`: tokens
   * that would have to be read again without these blobs. They are of use together, so they are worth the same by the byte. `base`:
   * the packet whose layers it shares, if it does; no process collects what of that is stored.
   */
  add(
    packet: {
      packetId: Digest
      contextId: Digest
      cost: number
      layers: readonly Descriptor[]
      base?: Digest | undefined
    },
    blobs: readonly NewBlob[],
  ): void {
    const { packetId, contextId, layers, base } = packet
    if (base !== undefined && !this.#bases.has(packetId)) {
      const stored = this.#bases.get(base)?.map(one => one.packetId) ?? [base]
      this.#bases.set(
        packetId,
        stored.map(one => ({ packetId: one, release: this.#holds.take(one) })),
      )
    }
    const bytes = blobs.reduce((sum, { size }) => sum + size, 0)
    // What it goes on from is of use to it, too: the deepest first, so that a beginning outlives what is of use only after it.
    for (const { digest } of layers.toReversed()) this.#spill.touch(digest)
    for (const blob of blobs) {
      if (this.#added.has(blob.digest)) continue
      this.#added.add(blob.digest)
      const entry: Kept['entry'] = {
        ...{ label: packetId, bytes: blob.size, cost: (packet.cost * blob.size) / bytes },
        ...{ below: () => (this.#cold.budget > 0 ? 'cold' : 'gone'), evict: () => this.#move(blob.digest) },
      }
      const hold = this.#warm.hold({ ...entry, from: 'new', reason: 'kept in memory, not stored' }, { inUse: true })
      this.#kept.set(blob.digest, { blob, entry, hold })
    }
    this.#needs.add(packetId, { contextId, digests: [...blobs, ...layers].map(({ digest }) => digest) })
    // All of it is there now; from here on any of it may move.
    for (const { digest } of blobs) this.#kept.get(digest)?.hold.rest()
    // The disk may have room again.
    const refused = [...this.#refused]
    this.#refused.clear()
    for (const digest of refused) this.#kept.get(digest)?.hold.rest()
    if (this.#needs.packets <= this.#most) return
    for (const oldest of this.#needs.oldestFirst()) {
      if (this.#users.has(oldest)) continue
      this.#forget(oldest)
      return
    }
  }

  /** The packet that a packet_id or context_id names; null when none of these is it. */
  packetOf(digest: Digest): Digest | null {
    return this.#needs.packetOf(digest)
  }

  /** It is the most recently used, and what it needs stays until the running operation is over. */
  use(packetId: Digest): void {
    this.#needs.touch(packetId)
    const digests = this.#needs.digestsOf(packetId)
    if (digests.length === 0) return
    const rest = () => {
      const left = (this.#users.get(packetId) ?? 1) - 1
      if (left === 0) this.#users.delete(packetId)
      else this.#users.set(packetId, left)
      this.#spill.rest(digests)
    }
    if (!this.#whenOver(rest)) return
    this.#users.set(packetId, (this.#users.get(packetId) ?? 0) + 1)
    this.#spill.use(digests)
  }

  /** The bytes of a blob that is only in memory. */
  inMemory(digest: Digest): NewBlob | null {
    return this.#kept.get(digest)?.blob ?? null
  }

  /** Whether only unstored packets have this blob, and it is there. */
  has(digest: Digest): boolean {
    return this.#kept.has(digest) || this.#spill.has(digest)
  }

  /** A blob that only unstored packets have, from memory or disk; null: it is none. Throws what reading throws. */
  async blobOf(digest: Digest): Promise<NewBlob | null> {
    const kept = this.#kept.get(digest)
    kept?.hold.touch()
    return kept?.blob ?? this.#spill.read(digest)
  }

  /** What must not be collected while this engine runs. */
  liveDigests(): ReadonlySet<Digest> {
    return this.#needs.digests()
  }

  /** From memory, else from disk, verified there. Throws what reading from disk throws. */
  async read(ref: BlobRef, options?: { maxBytes?: number }): Promise<Uint8Array> {
    const blob = await this.blobOf(typeof ref === 'string' ? ref : ref.digest)
    return blob?.bytes ?? this.#blobs.read(ref, options)
  }

  /** Resolves when what is on its way to disk has arrived, and what was given up there is off it. */
  async settle(): Promise<void> {
    while (this.#moving.size > 0) await Promise.all(this.#moving.values())
    await this.#spill.settle()
  }

  /** Nothing of it is on disk afterwards. */
  async close(): Promise<void> {
    await this.settle()
    await this.#spill.close()
  }

  /** Blobs have been given up: no packet that needs one of them can be had any more. */
  #gone(digests: readonly Digest[]): void {
    const reason = 'what it goes on from was given up'
    for (const packetId of new Set(digests.flatMap(digest => this.#needs.needersOf(digest))))
      this.#forget(packetId, reason)
  }

  #forget(packetId: Digest, reason?: string): void {
    for (const digest of this.#needs.remove(packetId)) {
      this.#added.delete(digest)
      this.#spill.drop(digest, reason)
      const kept = this.#kept.get(digest)
      if (kept === undefined) continue
      this.#kept.delete(digest)
      this.#onMove(digest)
      kept.hold.drop()
    }
    for (const { release } of this.#bases.get(packetId) ?? []) release()
    this.#bases.delete(packetId)
    this.#onForget(packetId)
  }

  /**
   * To disk. The bytes can still be read while they are on their way; should the disk refuse them, they stay in memory, counted,
   * until it is tried again.
   */
  #move(digest: Digest): void {
    const kept = this.#kept.get(digest)
    if (kept === undefined) return
    this.#onMove(digest)
    this.#leaving ??= this.#nextGroup()
    this.#leaving.kept.push(kept)
    const arrived = this.#leaving.arrived.finally(() => this.#moving.delete(digest))
    this.#moving.set(digest, arrived)
  }

  /** What leaves while others are being written goes together after them, and with it what would leave next. */
  #nextGroup(): { readonly kept: Kept[]; readonly arrived: Promise<void> } {
    const kept: Kept[] = []
    const arrived = this.#written.then(async () => {
      const bytes = kept.reduce((sum, { blob }) => sum + blob.size, 0)
      const most = Math.min(MOST_AT_ONCE, this.#warm.budget * AT_ONCE_PART)
      this.#warm.giveUpMore(most - bytes, 'it leaves with others')
      this.#leaving = null
      await this.#write(kept.filter(one => this.#isKept(one)))
    })
    this.#written = arrived
    return { kept, arrived }
  }

  async #write(leaving: readonly Kept[]): Promise<void> {
    const groups = [...Map.groupBy(leaving, ({ entry }) => entry.label)].map(([label, kept]) => ({
      ...{ label, kept, blobs: kept.map(({ blob }) => blob) },
      cost: kept.reduce((sum, { entry }) => sum + entry.cost, 0),
    }))
    const refused = await this.#spill.write(groups)
    for (const group of groups) {
      for (const kept of group.kept) {
        const { digest } = kept.blob
        if (!refused.has(group)) {
          // Forgotten meanwhile, and perhaps made again.
          if (this.#isKept(kept)) this.#kept.delete(digest)
          else this.#spill.drop(digest)
        } else if (this.#isKept(kept)) {
          this.#refused.add(digest)
          kept.hold = this.#warm.hold({ ...kept.entry, from: 'cold', reason: 'the disk refused it' }, { inUse: true })
        }
      }
    }
  }

  #isKept(kept: Kept): boolean {
    return this.#kept.get(kept.blob.digest) === kept
  }
}
