/** Packets that this process uses, and what others use: nothing that is held is collected, by whichever process. */
import { randomUUID } from 'node:crypto'
import type { Digest } from '#shared/domain/digest.ts'
import { isStorageError } from './fsError.ts'
import type { ReferrerRows } from './library/referrerRows.ts'

/** So long others take a hold for standing: a process that died holds nothing for longer. */
const HOLD_MS = 10 * 60 * 1000
/** Holds are renewed, and those of what is used no more given up, once in so long. */
const RENEW_MS = 2 * 60 * 1000

/**
 * One row in the library a packet, for others to see, written when it is first used and renewed as long as it is; what this
 * process uses at any moment it knows itself. So what is used again and again costs no write, and others see a hold for up to
 * two minutes after it is over.
 */
export class Holds {
  readonly #rows: Pick<ReferrerRows, 'hold' | 'release' | 'releaseAll' | 'held'>
  readonly #now: () => number
  readonly #isReadOnly: boolean
  readonly #owner = randomUUID()
  readonly #users = new Map<Digest, number>()
  /** Until when others see them held. */
  readonly #shown = new Map<Digest, number>()
  #timer: NodeJS.Timeout | null = null

  constructor(
    rows: Pick<ReferrerRows, 'hold' | 'release' | 'releaseAll' | 'held'>,
    { now, isReadOnly }: { readonly now: () => number; readonly isReadOnly: boolean },
  ) {
    this.#rows = rows
    this.#now = now
    this.#isReadOnly = isReadOnly
  }

  /** Keeps a packet of the library, deleted or not, from being collected until what it returns is called, once. */
  take(packetId: Digest): () => void {
    this.#users.set(packetId, (this.#users.get(packetId) ?? 0) + 1)
    this.#show(packetId)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      const left = (this.#users.get(packetId) ?? 1) - 1
      if (left > 0) this.#users.set(packetId, left)
      else this.#users.delete(packetId)
    }
  }

  /** What any process uses now, as far as it is known here. */
  held(): Set<Digest> {
    return new Set([...this.#rows.held(this.#now(), this.#owner), ...this.#users.keys()])
  }

  /** Shows the holds again that would run out, and no longer those that are over. What `take` began does by itself, in time. */
  renew(): void {
    for (const packetId of this.#users.keys()) this.#show(packetId)
    const over = [...this.#shown.keys()].filter(packetId => !this.#users.has(packetId))
    for (const packetId of over) this.#shown.delete(packetId)
    if (over.length > 0) ifPossible(() => this.#rows.release(over, this.#owner))
    if (this.#users.size > 0 || this.#shown.size > 0 || this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    if (this.#shown.size > 0) ifPossible(() => this.#rows.releaseAll(this.#owner))
  }

  #show(packetId: Digest): void {
    if (this.#isReadOnly) return
    // Also where nothing can be shown now: it is tried again as long as it is used.
    if (this.#timer === null) {
      this.#timer = setInterval(() => this.renew(), RENEW_MS)
      this.#timer.unref()
    }
    const now = this.#now()
    if ((this.#shown.get(packetId) ?? 0) - now > HOLD_MS / 2) return
    ifPossible(() => {
      this.#rows.hold(packetId, this.#owner, now + HOLD_MS)
      this.#shown.set(packetId, now + HOLD_MS)
    })
  }
}

/** On a full disk, or while others write, states are read as before, and nobody is told. */
function ifPossible(work: () => void): void {
  try {
    work()
  } catch (error) {
    if (!isStorageError(error)) throw error
  }
}
