import { setTimeout as delay } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { StatePackError } from '#shared/domain/error.ts'

/** Runs `work` while no other process holds the same lock. The store passes its own (library.sqlite) in place of this one. */
export type WithLock = <T>(work: () => Promise<T>) => Promise<T>

export interface ProcessLock {
  readonly withLock: WithLock
  close(): void
}

/**
 * A lock between processes: an empty SQLite database whose write lock is held. The operating system releases it when the
 * process dies, however it dies, so there is no stale lock to clean up. Waits up to `timeoutMs`, then throws `E_STORE_BUSY`.
 */
export function openProcessLock(file: string, timeoutMs = 60_000): ProcessLock {
  const database = new Database(file, { timeout: 0 })
  let turn: Promise<unknown> = Promise.resolve()

  async function locked<T>(work: () => Promise<T>): Promise<T> {
    await acquire()
    try {
      return await work()
    } finally {
      database.exec('ROLLBACK')
    }
  }

  async function acquire(): Promise<void> {
    for (let waited = 0; ; ) {
      try {
        database.exec('BEGIN IMMEDIATE')
        return
      } catch (error) {
        if ((error as { code?: string }).code !== 'SQLITE_BUSY') throw error
        if (waited >= timeoutMs) {
          throw new StatePackError(
            'E_STORE_BUSY',
            'Another process has kept the receipt log locked for too long.',
            { file },
            error,
          )
        }
        const pause = Math.min(1 + waited / 4, 25)
        waited += pause
        await delay(pause)
      }
    }
  }

  return {
    withLock(work) {
      const result = turn.then(() => locked(work))
      turn = result.catch(() => undefined)
      return result
    },
    close: () => database.close(),
  }
}
