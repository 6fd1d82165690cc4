/** The line of long work: what waits, what became of it, and what is to be read until it is. Tasks and errors are JSON. */
import type { Database } from 'better-sqlite3'
import type { JobSelection, JobSource, JobState } from '#shared/rpc/methods/jobs.ts'
import type { SpotChecks } from './spotCheckRows.ts'

export interface JobRow {
  readonly id: number
  readonly title: string
  readonly lane: string
  readonly task: unknown
  readonly pace: string
  readonly size: number
  readonly state: JobState
  readonly made: readonly unknown[] | null
  readonly error: unknown
}

export interface NewJobRow extends Pick<JobRow, 'title' | 'lane' | 'task' | 'pace'> {
  readonly sources: readonly JobSource[]
  /** Bytes to be read, where it has no sources. */
  readonly size?: number | undefined
}

interface Stored extends Omit<JobRow, 'task' | 'made' | 'error'> {
  readonly task: string
  readonly made: string | null
  readonly error: string | null
}

const COLUMNS = 'id, title, lane, task, pace, size, state, made, error'
/** What runs, what needs a person, what waits; then what has ended, the newest first. */
const ORDER = `CASE state WHEN 'running' THEN 0 WHEN 'failed' THEN 1 WHEN 'interrupted' THEN 1 WHEN 'waiting' THEN 2 ELSE 3 END,
  CASE WHEN state IN ('done', 'cancelled') THEN -id ELSE id END`

export class JobRows {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** All or none. An empty line begins a new round, and what was done in those before is forgotten. */
  add(jobs: readonly NewJobRow[]): number[] {
    const insert = this.#db.prepare(
      `INSERT INTO main.jobs (round, lane, title, task, pace, size, state) VALUES (?, ?, ?, ?, ?, ?, 'waiting')`,
    )
    const source = this.#db.prepare('INSERT INTO main.job_sources VALUES (?, ?, ?, ?)')
    return this.#write(() => {
      const round = this.#roundToJoin()
      return jobs.map(({ lane, title, task, pace, sources, size: given = 0 }) => {
        const size = sources.reduce((sum, one) => sum + ('text' in one ? one.text.length : one.bytes.length), given)
        const id = Number(insert.run(round, lane, title, JSON.stringify(task), pace, size).lastInsertRowid)
        for (const one of sources) {
          if ('text' in one) source.run(id, one.name, one.text, one.extractor ?? null)
          else source.run(id, one.name, Buffer.from(one.bytes.buffer, one.bytes.byteOffset, one.bytes.length), null)
        }
        return id
      })
    })
  }

  /** Takes the first that waits in a lane out of the line, to be worked on; null when none does. */
  begin(lane: string): JobRow | null {
    const row = this.#db
      .prepare<[string], Stored>(
        `UPDATE main.jobs SET state = 'running', error = NULL WHERE id =
         (SELECT id FROM main.jobs WHERE state = 'waiting' AND lane = ? ORDER BY id LIMIT 1) RETURNING ${COLUMNS}`,
      )
      .get(lane)
    return row === undefined ? null : parsed(row)
  }

  /** What a job is to read. */
  sources(id: number): JobSource[] {
    return this.#db
      .prepare<[number], { name: string; content: string | Buffer; extractor: string | null }>(
        'SELECT name, content, extractor FROM main.job_sources WHERE job_id = ? ORDER BY rowid',
      )
      .all(id)
      .map(({ name, content, extractor }) =>
        typeof content === 'string'
          ? { name, text: content, ...(extractor === null ? {} : { extractor }) }
          : { name, bytes: new Uint8Array(content) },
      )
  }

  /** It has made its cartridges: from now on nothing has to be read again. */
  made(id: number, made: readonly unknown[]): void {
    this.#write(() => {
      this.#db.prepare('UPDATE main.jobs SET made = ? WHERE id = ?').run(JSON.stringify(made), id)
      this.#db.prepare('DELETE FROM main.job_sources WHERE job_id = ?').run(id)
    })
  }

  /** `seconds`: how long reading took, where something was read. */
  end(id: number, { state, error = null, seconds = null }: JobEnd): void {
    this.#db
      .prepare('UPDATE main.jobs SET state = ?, error = ?, seconds = ? WHERE id = ?')
      .run(state, error === null ? null : JSON.stringify(error), seconds, id)
  }

  /** Of jobs in a lane that ran when their engine died: those that had made their cartridges are done, the others interrupted. */
  recover(lane: string, error: unknown): void {
    this.#db
      .prepare(
        `UPDATE main.jobs SET state = iif(made IS NULL, 'interrupted', 'done'), error = iif(made IS NULL, ?, NULL)
         WHERE state = 'running' AND lane = ?`,
      )
      .run(JSON.stringify(error), lane)
  }

  get(id: number): JobRow | null {
    const row = this.#db.prepare<[number], Stored>(`SELECT ${COLUMNS} FROM main.jobs WHERE id = ?`).get(id)
    return row === undefined ? null : parsed(row)
  }

  /** A page of those in some states and lanes, and how many there are. */
  list(
    { states, lanes }: { states: readonly JobState[]; lanes: readonly string[] },
    { offset, limit }: { offset: number; limit: number },
  ): { total: number; rows: JobRow[] } {
    const where = `state IN (SELECT value FROM json_each(?)) AND lane IN (SELECT value FROM json_each(?))`
    const which = [JSON.stringify(states), JSON.stringify(lanes)] as const
    const counted = this.#db
      .prepare<[string, string], { total: number }>(`SELECT count(*) AS total FROM main.jobs WHERE ${where}`)
      .get(...which)
    const rows = this.#db
      .prepare<[string, string, number, number], Stored>(
        `SELECT ${COLUMNS} FROM main.jobs WHERE ${where} ORDER BY ${ORDER} LIMIT ? OFFSET ?`,
      )
      .all(...which, limit, offset)
    return { total: counted?.total ?? 0, rows: rows.map(parsed) }
  }

  /** What the cartridges recalled that jobs in these states and lanes have made, each once; deleted ones are left out. */
  checks({
    states,
    lanes,
  }: {
    states: readonly JobState[]
    lanes: readonly string[]
  }): SpotChecks & { cartridges: number } {
    const sql = `SELECT count(*) AS cartridges, coalesce(sum(recalled), 0) AS recalled, coalesce(sum(checked), 0) AS checked
      FROM main.spot_checks JOIN main.packets USING (packet_id) WHERE removed_at IS NULL AND packet_id IN (
        SELECT json_extract(m.value, '$.packetId') FROM main.jobs j, json_each(j.made) m
        WHERE j.state IN (SELECT value FROM json_each(?)) AND j.lane IN (SELECT value FROM json_each(?)))`
    return (
      this.#db
        .prepare<[string, string], SpotChecks & { cartridges: number }>(sql)
        .get(JSON.stringify(states), JSON.stringify(lanes)) ?? { cartridges: 0, recalled: 0, checked: 0 }
    )
  }

  /** Ids of those that are meant, as far as they are in one of `states`. */
  select(selection: JobSelection, states: readonly JobState[]): number[] {
    const [column, wanted] = 'ids' in selection ? ['id', selection.ids] : ['state', selection.states]
    return this.#db
      .prepare<[string, string], { id: number }>(
        `SELECT id FROM main.jobs WHERE state IN (SELECT value FROM json_each(?))
         AND ${column} IN (SELECT value FROM json_each(?)) ORDER BY id`,
      )
      .all(JSON.stringify(states), JSON.stringify(wanted))
      .map(({ id }) => id)
  }

  /** Puts jobs into the line again, at their old place, with what `change` makes of their tasks. */
  again(ids: readonly number[], change: (task: unknown) => unknown): void {
    const update = this.#db.prepare(
      "UPDATE main.jobs SET state = 'waiting', error = NULL, task = ?, round = ? WHERE id = ?",
    )
    this.#write(() => {
      const round = this.#roundToJoin()
      for (const id of ids) update.run(JSON.stringify(change(this.get(id)?.task)), round, id)
    })
  }

  cancel(ids: readonly number[]): void {
    const sql = "UPDATE main.jobs SET state = 'cancelled' WHERE id IN (SELECT value FROM json_each(?))"
    this.#db.prepare(sql).run(JSON.stringify(ids))
  }

  remove(ids: readonly number[]): void {
    this.#write(() => this.#forget('id IN (SELECT value FROM json_each(?))', JSON.stringify(ids)))
  }

  /** Tasks of a lane that are not done. */
  tasks(lane: string): unknown[] {
    return this.#db
      .prepare<[string], { task: string }>("SELECT task FROM main.jobs WHERE lane = ? AND state <> 'done'")
      .all(lane)
      .map(({ task }) => JSON.parse(task))
  }

  counts(): { readonly state: JobState; readonly jobs: number }[] {
    return this.#db
      .prepare<[], { state: JobState; jobs: number }>('SELECT state, count(*) AS jobs FROM main.jobs GROUP BY state')
      .all()
  }

  /** The round that runs, or ran last. */
  round(): { readonly total: number; readonly ended: number } {
    const row = this.#db
      .prepare<[], { total: number; ended: number | null }>(
        `SELECT count(*) AS total, sum(state NOT IN ('waiting', 'running')) AS ended FROM main.jobs
         WHERE round = (SELECT max(round) FROM main.jobs)`,
      )
      .get()
    return { total: row?.total ?? 0, ended: row?.ended ?? 0 }
  }

  /** What waits, by pace. */
  waiting(): { readonly lane: string; readonly pace: string; readonly size: number }[] {
    return this.#db
      .prepare<[], { lane: string; pace: string; size: number }>(
        "SELECT lane, pace, sum(size) AS size FROM main.jobs WHERE state = 'waiting' GROUP BY lane, pace",
      )
      .all()
  }

  /** What was measured, by pace: how much was read in how many seconds. */
  paces(): { readonly pace: string; readonly size: number; readonly seconds: number }[] {
    return this.#db
      .prepare<[], { pace: string; size: number; seconds: number }>(
        'SELECT pace, sum(size) AS size, sum(seconds) AS seconds FROM main.jobs WHERE seconds > 0 GROUP BY pace',
      )
      .all()
  }

  /** While anything waits or runs, what is added belongs to that. */
  #roundToJoin(): number {
    const row = this.#db
      .prepare<[], { round: number | null; open: number | null }>(
        "SELECT max(round) AS round, sum(state IN ('waiting', 'running')) AS open FROM main.jobs",
      )
      .get()
    if ((row?.open ?? 0) > 0) return row?.round ?? 1
    this.#forget("state = 'done'")
    return (row?.round ?? 0) + 1
  }

  #forget(where: string, ...values: string[]): void {
    const sql = `DELETE FROM main.job_sources WHERE job_id IN (SELECT id FROM main.jobs WHERE ${where})`
    this.#db.prepare(sql).run(...values)
    this.#db.prepare(`DELETE FROM main.jobs WHERE ${where}`).run(...values)
  }

  #write<T>(work: () => T): T {
    return this.#db.transaction(work).immediate()
  }
}

export interface JobEnd {
  readonly state: JobState
  readonly error?: unknown
  readonly seconds?: number | null
}

function parsed({ task, made, error, ...rest }: Stored): JobRow {
  return {
    ...rest,
    task: JSON.parse(task),
    made: made === null ? null : JSON.parse(made),
    error: error === null ? null : JSON.parse(error),
  }
}
