import type { ErrorValue } from '#shared/domain/error.ts'
import type { ServerRequest, ServerStatus } from '#shared/rpc/methods/server.ts'
import type { Refusal } from '../loopback/requestHead.ts'
import type { TokensRead } from './apiRoute.ts'

/** A request as it goes. */
export interface JournalEntry {
  readonly count: (tokens: TokensRead) => void
  /** Before its end: what the caller is told. */
  readonly fail: (error: Pick<ErrorValue, 'code' | 'message'>) => void
  readonly end: (status: number, seconds: number) => void
}

export interface RequestJournal {
  begin(route: string, caller: string): JournalEntry
  /** A request that was not let in: noted, and not counted as a program's. `route` is one of ours, whatever was asked for. */
  refuse(route: string, refusal: Pick<Refusal, 'status' | 'code' | 'message'>): void
  /** What of the server's status is counted here. */
  read(): Pick<ServerStatus, 'requests' | 'refused' | 'running' | 'agents' | 'tokens' | 'latency' | 'log'>
}

/** Rows that are kept. */
const MOST = 200
/** Rows of requests that were not let in: whoever tries one token after the other pushes no program's row out. */
const MOST_REFUSED = 20
/** A caller that asked no longer ago counts as there. */
const PRESENT_MS = 60_000

/** What programs ask of the server, without a word of it: counts, and why a prefix was or was not known. */
export function createRequestJournal(onChange: () => void): RequestJournal {
  const rows: ServerRequest[] = []
  const callers = new Map<string, number>()
  const totals = { prompt: 0, spared: 0, generated: 0 }
  let lastId = 0
  let requests = 0
  let refused = 0
  let running = 0
  const change = (id: number, more: Partial<ServerRequest>) => {
    const at = rows.findIndex(row => row.id === id)
    const row = rows[at]
    if (row !== undefined) rows[at] = { ...row, ...more }
    onChange()
  }
  /** The newest row; those that are too many go, the oldest first. */
  const add = (route: string, { status, error }: Pick<ServerRequest, 'status' | 'error'>) => {
    const id = ++lastId
    const wasRefused = status !== null
    rows.unshift({
      ...{ id, at: new Date().toISOString(), route, wasRefused, status, error, seconds: null },
      ...{ tokens: null, reused: null, missed: null },
    })
    const refusals = rows.filter(row => row.wasRefused)
    const tooMany = refusals.length > MOST_REFUSED ? refusals.at(-1) : rows[MOST]
    if (tooMany !== undefined) rows.splice(rows.indexOf(tooMany), 1)
    onChange()
    return id
  }
  return {
    refuse(route, { status, code, message }) {
      refused += 1
      add(route, { status, error: { code, message } })
    },
    begin(route, caller) {
      requests += 1
      running += 1
      callers.set(caller, Date.now())
      const id = add(route, { status: null, error: null })
      let own = { prompt: 0, spared: 0, generated: 0 }
      return {
        count({ prompt, cached, generated, reused, reuseMissed }) {
          own = { prompt: own.prompt + prompt, spared: own.spared + cached, generated: own.generated + generated }
          totals.prompt += prompt
          totals.spared += cached
          totals.generated += generated
          change(id, { tokens: own, reused: reused?.name ?? null, missed: reuseMissed ?? null })
        },
        fail({ code, message }) {
          change(id, { error: { code, message } })
        },
        end(status, seconds) {
          running -= 1
          callers.set(caller, Date.now())
          change(id, { status, seconds })
        },
      }
    },
    read() {
      const since = Date.now() - PRESENT_MS
      for (const [caller, at] of callers) if (at < since) callers.delete(caller)
      return {
        requests,
        refused,
        running,
        agents: callers.size,
        tokens: { ...totals },
        latency: latencyOf(rows),
        log: [...rows],
      }
    },
  }
}

function latencyOf(rows: readonly ServerRequest[]): ServerStatus['latency'] {
  const seconds = rows.flatMap(row => row.seconds ?? []).sort((a, b) => a - b)
  const at = (share: number) => seconds[Math.min(seconds.length - 1, Math.floor(share * seconds.length))] ?? 0
  return seconds.length === 0 ? null : { p50: at(0.5), p99: at(0.99) }
}
