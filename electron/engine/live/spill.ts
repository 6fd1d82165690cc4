import { type Digest, hexOf } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { MemoryTier } from '../inference/memoryTier.ts'
import type { MemoryHold } from '../inference/tierEntry.ts'
import type { Log } from '../logging/openLog.ts'
import { isStorageError, storeError } from '../store/fsError.ts'
import type { NewBlob } from '../store/newBlob.ts'
import { hashAside } from '../store/readHashed.ts'
import type { StoreParts } from '../store/storeParts.ts'
import type { Extent } from './freeSpace.ts'
import { ScratchFile } from './scratchFile.ts'

/** Blobs of one state that leave memory together. */
export interface Leaving {
  readonly label: string
  /** Tokens that would have to be read to have them again. */
  readonly cost: number
  readonly blobs: readonly NewBlob[]
}

interface Group {
  readonly label: string
  /** Where in the file it lies, one after the other; empty before it is written, and once it is gone. */
  extents: readonly Extent[]
  /** Where each blob begins; those that nobody needs any more are taken out. */
  readonly places: Map<Digest, { readonly at: number; readonly blob: Omit<NewBlob, 'bytes'> }>
  hold: MemoryHold | null
  /** How often its blobs are in use. */
  users: number
  isGone: boolean
}

/**
 * What leaves memory of states that nobody stored, on disk, within a tier's budget. It is kept and given up by groups: what left
 * together. It is not flushed, since nobody was promised that it outlives this process; each read is verified. The next who opens
 * the store alone clears what a process left that was killed.
 */
export class Spill {
  readonly #tier: MemoryTier
  readonly #file: ScratchFile
  readonly #prepare: () => Promise<unknown>
  readonly #onGone: (digests: readonly Digest[]) => void
  readonly #log: Pick<Log, 'failed'>
  readonly #groups = new Map<Digest, Group>()
  readonly #used = new Map<Digest, number>()
  /** Whoever changes the file does so after those before. */
  #changed: Promise<unknown> = Promise.resolve()

  /** `prepare`: brings the tier's budget up to date, before each write. `onGone`: these have been given up. */
  constructor(
    tier: MemoryTier,
    {
      store,
      prepare,
      onGone,
      log,
    }: {
      readonly store: Pick<StoreParts, 'fs' | 'layout'>
      readonly prepare: () => Promise<unknown>
      readonly onGone: (digests: readonly Digest[]) => void
      /** Told of mistakes: what the disk refuses is none. */
      readonly log: Pick<Log, 'failed'>
    },
  ) {
    this.#tier = tier
    this.#file = new ScratchFile(store)
    this.#prepare = prepare
    this.#onGone = onGone
    this.#log = log
  }

  has(digest: Digest): boolean {
    return this.#groups.has(digest)
  }

  /**
   * Writes what leaves, all of it in one go, once there is room: what is worth least is given up, which may be some of this. Returns
   * what the disk did not take, of which nothing is there then: all of it where writing fails, else what has no room because all that is there is in use.
   */
  async write<L extends Leaving>(leaving: readonly L[]): Promise<ReadonlySet<L>> {
    const refused = new Set<L>()
    const entered = new Map<L, Group>()
    try {
      await this.#prepare()
      await this.#inTurn(async () => {
        for (const one of leaving) {
          const group = this.#enter(one)
          if (this.#tier.bytes <= this.#tier.budget) entered.set(one, group)
          else {
            refused.add(one)
            this.#refuse(group)
          }
        }
        await this.#fit()
        const here = [...entered].filter(([, group]) => !group.isGone)
        const parts = here.map(([{ blobs }]) => blobs.map(({ bytes }) => bytes))
        const written = await this.#file.write(parts, this.#tier.budget)
        for (const [place, [, group]] of here.entries()) {
          const extents = written[place] ?? []
          if (group.isGone) this.#file.give(extents)
          else group.extents = extents
        }
      })
    } catch (error) {
      for (const group of entered.values()) this.#refuse(group)
      if (!isStorageError(error)) this.#log.failed('not written what leaves memory', error)
      return new Set(leaving)
    }
    return refused
  }

  /** Reads and verifies; null where there is no such blob. Throws `E_CORRUPT`, and what reading throws. */
  async read(digest: Digest): Promise<NewBlob | null> {
    const group = this.#groups.get(digest)
    const place = group?.places.get(digest)
    if (group === undefined || place === undefined) return null
    group.hold?.touch()
    const { at, blob } = place
    const { extents } = group
    try {
      const { bytes, sha256 } = await hashAside(await this.#file.read(extents, at, blob.size))
      if (sha256 !== hexOf(digest))
        throw new StatePackError('E_CORRUPT', 'What left memory is not on disk as it was written.', { digest })
      return { ...blob, bytes }
    } catch (error) {
      // Something else may have been written there meanwhile.
      if (group.isGone) return null
      if (group.extents !== extents) return this.read(digest)
      throw storeError(error, 'read what left memory', 'read')
    }
  }

  /** It was useful just now. */
  touch(digest: Digest): void {
    this.#groups.get(digest)?.hold?.touch()
  }

  /** An operation uses these: what of them is here, or comes here, stays until {@link Spill.rest}. */
  use(digests: readonly Digest[]): void {
    for (const digest of digests) {
      this.#used.set(digest, (this.#used.get(digest) ?? 0) + 1)
      const group = this.#groups.get(digest)
      if (group !== undefined && group.users++ === 0) group.hold?.use(group.label)
    }
  }

  rest(digests: readonly Digest[]): void {
    for (const digest of digests) {
      const left = (this.#used.get(digest) ?? 1) - 1
      if (left === 0) this.#used.delete(digest)
      else this.#used.set(digest, left)
      const group = this.#groups.get(digest)
      if (group !== undefined && --group.users === 0) group.hold?.rest()
    }
  }

  /** Nobody needs a blob any more; its group goes with the last of its blobs, for this reason where something is given up. */
  drop(digest: Digest, reason?: string): void {
    const group = this.#groups.get(digest)
    if (group === undefined) return
    this.#groups.delete(digest)
    group.places.delete(digest)
    const wasUsed = group.users > 0
    group.users -= this.#used.get(digest) ?? 0
    if (group.places.size === 0) {
      group.hold?.drop(reason)
      this.#remove(group)
    } else if (wasUsed && group.users === 0) group.hold?.rest()
  }

  /** Resolves when what was given up is off the disk, and the file no longer than the budget, as far as that can be. */
  async settle(): Promise<void> {
    await this.#inTurn(() => this.#fit()).catch(() => {
      // It is tried again before the next write.
    })
  }

  /** Removes all of it. */
  async close(): Promise<void> {
    for (const digest of [...this.#groups.keys()]) this.drop(digest)
    await this.#inTurn(() => this.#file.close())
  }

  /** Counts a group that is to be written, before anything of it is. */
  #enter({ label, cost, blobs }: Leaving): Group {
    const group: Group = {
      ...{ label, extents: [], places: new Map(), hold: null, isGone: false },
      users: blobs.reduce((sum, { digest }) => sum + (this.#used.get(digest) ?? 0), 0),
    }
    let bytes = 0
    for (const { bytes: _, ...blob } of blobs) {
      this.drop(blob.digest)
      this.#groups.set(blob.digest, group)
      group.places.set(blob.digest, { at: bytes, blob })
      bytes += blob.size
    }
    group.hold = this.#hold(group, { bytes, cost })
    return group
  }

  #refuse(group: Group): void {
    group.hold?.drop()
    this.#remove(group)
  }

  /** What is held must not keep what was written: so this is no closure where that is at hand. */
  #hold(group: Group, { bytes, cost }: { readonly bytes: number; readonly cost: number }): MemoryHold {
    const evict = () => {
      const digests = [...group.places.keys()]
      this.#remove(group)
      this.#onGone(digests)
    }
    const { label } = group
    const entry = { label, bytes, cost, from: 'warm', below: 'gone', reason: 'it left memory, not stored' } as const
    return this.#tier.hold({ ...entry, evict }, { inUse: group.users > 0 })
  }

  #remove(group: Group): void {
    group.isGone = true
    for (const digest of group.places.keys()) if (this.#groups.get(digest) === group) this.#groups.delete(digest)
    this.#file.give(group.extents)
    group.extents = []
    this.#inTurn(() => this.#file.cut()).catch(() => {
      // Free all the same: it is written again.
    })
  }

  /** Gives the disk back what is free; where that leaves the file longer than the budget, what lies behind moves into its holes. */
  async #fit(): Promise<void> {
    const most = Math.max(this.#tier.budget, this.#tier.bytes)
    if (this.#file.end > most) {
      for (const group of new Set(this.#groups.values())) {
        const { now, left, moved } = await this.#file.moveBefore(most, group.extents)
        if (left.length > 0 && !group.isGone) group.extents = now
        this.#file.give(group.isGone ? moved : left)
      }
    }
    await this.#file.cut()
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#changed.then(change)
    this.#changed = turn.catch(() => {})
    return turn
  }
}
