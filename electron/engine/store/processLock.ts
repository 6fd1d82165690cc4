/**
 * One holder at a time among all processes that have the store open. A write transaction on an otherwise empty SQLite
 * file: the system releases it when its holder dies, it costs no flush, and unlike a transaction on the library itself
 * it may stay open while a receipt is being signed without holding up anyone's settings.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { StatePackError } from '#shared/domain/error.ts'
import { makePrivate } from './privateFile.ts'

const PATIENCE_MS = 30_000
const RETRY_MS = 4

export class ProcessLock {
  readonly #database: Database.Database
  // Within the process a queue, so that only one of its callers at a time competes with other processes.
  #queue: Promise<unknown> = Promise.resolve()

  constructor(path: string) {
    if (path !== ':memory:') makePrivate(path)
    this.#database = new Database(path, { timeout: 0 })
  }

  /** Runs `work` while nobody else holds the lock. Not re-entrant. Throws `E_STORE_BUSY` after 30 seconds of waiting. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(() => this.#locked(work))
    this.#queue = turn.catch(() => {})
    return turn
  }

  async #locked<T>(work: () => Promise<T>): Promise<T> {
    for (let waited = 0; !this.#tryBegin(); waited += RETRY_MS) {
      if (waited >= PATIENCE_MS) {
        throw new StatePackError('E_STORE_BUSY', 'Another process has been writing to this store for too long.')
      }
      await sleep(RETRY_MS)
    }
    try {
      return await work()
    } finally {
      this.#database.exec('ROLLBACK')
    }
  }

  #tryBegin(): boolean {
    try {
      this.#database.exec('BEGIN IMMEDIATE')
      return true
    } catch (error) {
      if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return false
      throw error
    }
  }

  close(): void {
    this.#database.close()
  }
}
