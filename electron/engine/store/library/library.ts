/** `library.sqlite`: small, durable, shared by all processes that have the store open. */
import Database from 'better-sqlite3'
import { StatePackError, toStatePackError } from '#shared/domain/error.ts'
import { prepareOnce } from '../../prepareOnce.ts'
import { makePrivate } from '../../privateFile.ts'
import { sqliteCopy } from '../../sqliteCopy.ts'
import { AnswerRows } from './answerRows.ts'
import { CollectionRows } from './collectionRows.ts'
import { ConversationRows } from './conversationRows.ts'
import { JobRows } from './jobRows.ts'
import { PacketRows } from './packetRows.ts'
import { ReferrerRows } from './referrerRows.ts'
import { RemoteRows } from './remoteRows.ts'
import { RetainedRows } from './retainedRows.ts'
import { LIBRARY_MIGRATIONS, LIBRARY_VERSION } from './schema.ts'
import { SettingRows } from './settingRows.ts'
import { SpotCheckRows } from './spotCheckRows.ts'
import { TurnRows } from './turnRows.ts'
import { UsageRows } from './usageRows.ts'

export class Library {
  /** True when the file was created by this opening. */
  readonly isNew: boolean
  readonly packets: PacketRows
  readonly referrers: ReferrerRows
  readonly settings: SettingRows
  readonly usage: UsageRows
  readonly spotChecks: SpotCheckRows
  readonly answers: AnswerRows
  readonly collections: CollectionRows
  readonly conversations: ConversationRows
  readonly turns: TurnRows
  readonly jobs: JobRows
  readonly remotes: RemoteRows
  readonly retained: RetainedRows
  /** For the search index, which is attached to the same connection; nobody else writes SQL. */
  readonly connection: Database.Database

  constructor(db: Database.Database, isNew: boolean) {
    this.connection = db
    this.isNew = isNew
    this.turns = new TurnRows(db)
    this.packets = new PacketRows(db, this.turns)
    this.referrers = new ReferrerRows(db)
    this.settings = new SettingRows(db)
    this.usage = new UsageRows(db)
    this.spotChecks = new SpotCheckRows(db)
    this.answers = new AnswerRows(db)
    this.collections = new CollectionRows(db)
    this.conversations = new ConversationRows(db)
    this.jobs = new JobRows(db)
    this.remotes = new RemoteRows(db)
    this.retained = new RetainedRows(db)
  }

  /** Empties the write-ahead logs: what was deleted stands in them, too. While another process reads, its turn comes later. */
  scrub(): void {
    this.connection.pragma('wal_checkpoint(TRUNCATE)')
  }

  close(): void {
    this.connection.close()
  }
}

/** Opens or creates the library. Throws `E_STORE_UNREADABLE` for a damaged file, `E_STORE_VERSION` for a newer one. */
export function openLibrary(path: string, options: { readOnly: boolean }): Library {
  let db: Database.Database | undefined
  try {
    if (options.readOnly) {
      db = prepareOnce(sqliteCopy(path))
      migrate(db)
      return new Library(db, false)
    }
    makePrivate(path)
    db = prepareOnce(new Database(path, { timeout: 10_000 }))
    // WAL: readers are not held up by a writer. FULL: a commit that has returned survives a power loss.
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    // What is deleted is gone from the file, not only from the tables.
    db.pragma('secure_delete = ON')
    const isNew = migrate(db)
    return new Library(db, isNew)
  } catch (error) {
    db?.close()
    const typed = toStatePackError(error)
    if (typed.code !== 'E_STORE_UNREADABLE') throw typed
    throw new StatePackError(typed.code, `${path} cannot be read: ${typed.message}.`, { path, ...typed.details }, error)
  }
}

function migrate(db: Database.Database): boolean {
  const before = Number(db.pragma('user_version', { simple: true }))
  const isNew = bringUpToDate(db)
  // Version 1 left what was deleted in free pages.
  if (before === 1 && !db.memory) db.exec('VACUUM')
  return isNew
}

function bringUpToDate(db: Database.Database): boolean {
  return db
    .transaction((): boolean => {
      const version = Number(db.pragma('user_version', { simple: true }))
      if (version > LIBRARY_VERSION) {
        throw new StatePackError('E_STORE_VERSION', 'This store was written by a newer version of State Pack Studio.', {
          version,
        })
      }
      for (const step of LIBRARY_MIGRATIONS.slice(version)) db.exec(step)
      db.pragma(`user_version = ${LIBRARY_VERSION}`)
      return version === 0
    })
    .immediate()
}
