import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'

/** A copy of a database in memory: a disk that cannot be written is no obstacle, and nothing done to it is kept. */
export function sqliteCopy(path: string): Database.Database {
  const image = imageOf(path) ?? imageElsewhere(path) ?? readFileSync(path)
  // The two bytes that say "WAL": a database in memory has none.
  image.fill(1, 18, 20)
  return new Database(image)
}

/** Null where SQLite cannot make the files that it needs beside a database. */
function imageOf(path: string): Buffer | null {
  try {
    const file = new Database(path, { readonly: true, fileMustExist: true })
    try {
      return file.serialize()
    } finally {
      file.close()
    }
  } catch {
    return null
  }
}

/** What stands in the write-ahead log belongs to it: read in another folder. Null where there is no log, or no room. */
function imageElsewhere(path: string): Buffer | null {
  if (!existsSync(`${path}-wal`)) return null
  const folder = mkdtempSync(join(tmpdir(), 'statepack-copy-'))
  try {
    for (const end of ['', '-wal']) copyFileSync(`${path}${end}`, join(folder, `copy${end}`))
    return imageOf(join(folder, 'copy'))
  } catch {
    return null
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
