import Database from 'better-sqlite3'
import { StatePackError } from '#shared/domain/error.ts'

/**
 * Holds the right to write one download, among all processes. The system releases it when its holder dies, however that
 * happens: there is no stale lock. Throws `E_CONFLICT` when someone else has it.
 */
export function lockDownload(path: string, what: string): Disposable {
  const database = new Database(path, { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (!(error instanceof Database.SqliteError) || !error.code.startsWith('SQLITE_BUSY')) throw error
    throw new StatePackError('E_CONFLICT', `${what} is being downloaded already.`, { what }, error)
  }
  return {
    [Symbol.dispose]() {
      database.close()
    },
  }
}
