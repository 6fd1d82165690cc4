import type { Progress } from '#shared/rpc/progress.ts'
import type { Waiting } from './patientFetch.ts'

/** Counts what arrives and tells people, a few times a second, how far it is and how long it will take. */
export class TransferMeter {
  readonly #progress: (progress: Progress) => void
  readonly #total: number
  readonly #phase: string
  readonly #now: () => number
  #done = 0
  #received = 0
  #startedAt: number
  #shownAt = Number.NEGATIVE_INFINITY

  constructor(
    total: number,
    progress: (progress: Progress) => void,
    phase = 'downloading',
    now: () => number = () => performance.now(),
  ) {
    this.#total = total
    this.#progress = progress
    this.#phase = phase
    this.#now = now
    this.#startedAt = now()
  }

  /** Bytes that were here already (or, when negative, that had to be thrown away). */
  found(bytes: number): void {
    this.#done += bytes
  }

  received(bytes: number): void {
    this.#done += bytes
    this.#received += bytes
    const now = this.#now()
    if (now - this.#shownAt < 200 && this.#done < this.#total) return
    this.#shownAt = now
    this.#show(this.#phase)
  }

  waiting({ why, seconds }: Waiting): void {
    this.#shownAt = Number.NEGATIVE_INFINITY
    this.#show(seconds === null ? why : `${why}, trying again in ${Math.max(1, Math.round(seconds))} s`)
  }

  #show(phase: string): void {
    const seconds = (this.#now() - this.#startedAt) / 1000
    const rate = seconds > 0 ? this.#received / seconds : 0
    const known = rate > 0 ? { rate, etaSeconds: (this.#total - this.#done) / rate } : {}
    this.#progress({ phase, done: this.#done, total: this.#total, unit: 'bytes', ...known })
  }
}
