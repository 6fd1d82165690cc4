/**
 * One holder at a time among all processes that use the same file. A write transaction on an otherwise empty SQLite file:
 * the system releases it when its holder dies, it costs no flush, and unlike a transaction on the library itself it may
 * stay open while a receipt is being signed without holding up anyone's settings.
 */
import { truncateSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { StatePackError } from '#shared/domain/error.ts'
import { makePrivate } from './privateFile.ts'

const PATIENCE_MS = 30_000
const RETRY_MS = 4

export class ProcessLock {
  readonly #database: Database.Database
  readonly #path: string
  // Within the process a queue, so that only one of its callers at a time competes with other processes.
  #queue: Promise<unknown> = Promise.resolve()

  constructor(path: string) {
    if (path !== ':memory:') makePrivate(path)
    this.#path = path
    this.#database = new Database(path, { timeout: 0 })
  }

  /** Runs `work` while nobody else holds the lock. Not re-entrant. Throws `E_STORE_BUSY` after 30 seconds of waiting. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(() => this.#locked(work))
    this.#queue = turn.catch(() => {})
    return turn
  }

  /**
   * Says for as long as this lock is open that somebody uses the file, after `alone` has run if nobody else does. Between
   * two machines or containers, which do not see each other's process ids, this is what tells living from dead.
   */
  async enter(alone: () => Promise<void>): Promise<void> {
    if (this.#tryTo('BEGIN EXCLUSIVE')) {
      try {
        await alone()
      } finally {
        this.#database.exec('ROLLBACK')
      }
    }
    // A read transaction: any number at once, and beside the write transactions of others.
    await this.#retry(() => this.#tryTo('BEGIN; SELECT count(*) FROM sqlite_schema'))
  }

  /** Takes the lock until this is closed or its process ends; false, at once, where somebody else has it. */
  hold(): boolean {
    return this.#tryTo('BEGIN IMMEDIATE')
  }

  close(): void {
    this.#database.close()
  }

  async #locked<T>(work: () => Promise<T>): Promise<T> {
    await this.#retry(() => this.#tryTo('BEGIN IMMEDIATE'))
    try {
      return await work()
    } finally {
      this.#database.exec('ROLLBACK')
    }
  }

  async #retry(attempt: () => boolean): Promise<void> {
    for (let waited = 0; !attempt(); waited += RETRY_MS) {
      if (waited >= PATIENCE_MS) {
        throw new StatePackError('E_STORE_BUSY', 'Another process has been writing to this store for too long.', {
          path: this.#path,
        })
      }
      await sleep(RETRY_MS)
    }
  }

  #tryTo(begin: string): boolean {
    try {
      this.#database.exec(begin)
      return true
    } catch (error) {
      if (!(error instanceof Database.SqliteError)) throw error
      if (this.#database.inTransaction) this.#database.exec('ROLLBACK')
      if (error.code.startsWith('SQLITE_BUSY')) return false
      if (!/^SQLITE_(NOTADB|CORRUPT)/.test(error.code)) throw error
      // The file holds nothing, so what somebody wrote into it can go; cut, not replaced: others have it open.
      truncateSync(this.#path, 0)
      return false
    }
  }
}
