/** Long work that survives a restart: downloads, transfers, batches. */
import type { Database } from 'better-sqlite3'

export type JobState = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'

export interface Job {
  readonly id: string
  readonly kind: string
  readonly state: JobState
  readonly payload: unknown
  readonly progress: unknown
  readonly attempts: number
  readonly createdAt: number
  readonly updatedAt: number
}

interface Row {
  id: string
  kind: string
  state: JobState
  payload: string
  progress: string
  attempts: number
  created_at: number
  updated_at: number
}

export class JobRows {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Enters a waiting job; an id that exists is left as it is. */
  add(job: { id: string; kind: string; payload: unknown; at: number }): void {
    this.#db
      .prepare("INSERT OR IGNORE INTO jobs VALUES (?, ?, 'waiting', ?, 'null', 0, ?, ?)")
      .run(job.id, job.kind, JSON.stringify(job.payload), job.at, job.at)
  }

  get(id: string): Job | null {
    const row = this.#db.prepare<[string], Row>('SELECT * FROM jobs WHERE id = ?').get(id)
    return row === undefined ? null : job(row)
  }

  /** Jobs, oldest first; of one state when given. */
  list(state?: JobState): Job[] {
    const sql = 'SELECT * FROM jobs WHERE @state IS NULL OR state = @state ORDER BY created_at, id'
    return this.#db
      .prepare<[{ state: string | null }], Row>(sql)
      .all({ state: state ?? null })
      .map(job)
  }

  /** Moves a job to a state; entering `running` counts as an attempt. */
  update(id: string, change: { state?: JobState; progress?: unknown; at: number }): void {
    this.#db
      .prepare(
        `UPDATE jobs SET state = coalesce(@state, state), progress = coalesce(@progress, progress), updated_at = @at,
         attempts = attempts + (coalesce(@state, state) = 'running' AND state <> 'running') WHERE id = @id`,
      )
      .run({
        id,
        at: change.at,
        state: change.state ?? null,
        progress: change.progress === undefined ? null : JSON.stringify(change.progress),
      })
  }

  remove(id: string): void {
    this.#db.prepare('DELETE FROM jobs WHERE id = ?').run(id)
  }
}

function job(row: Row): Job {
  return {
    id: row.id,
    kind: row.kind,
    state: row.state,
    payload: JSON.parse(row.payload),
    progress: JSON.parse(row.progress),
    attempts: row.attempts,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
