import type { Database, Statement } from 'better-sqlite3'

/** Texts of statements that are kept; of searches there are as many as there are filters. */
const MOST = 256

/**
 * Lets a database prepare each statement once: preparing takes several times as long as running it, and one answer runs dozens.
 * Rows must be taken at once (`get`, `all`, `run`): one statement cannot be in the midst of two readings.
 */
export function prepareOnce(db: Database): Database {
  const prepare = db.prepare.bind(db)
  const prepared = new Map<string, Statement>()
  const known = (sql: string): Statement => {
    const statement = prepared.get(sql) ?? prepare(sql)
    // Last in, and the one that was not asked for longest goes first.
    prepared.delete(sql)
    prepared.set(sql, statement)
    const [oldest = sql] = prepared.keys()
    if (prepared.size > MOST) prepared.delete(oldest)
    return statement
  }
  db.prepare = known as typeof db.prepare
  return db
}
