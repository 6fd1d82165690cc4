/**
 * The one door to logs, for the engine, the shell and the hosts: JSON lines in `<data>/logs/<name>.log`, kept small by
 * turning them over. A line says what happened in numbers, codes, names of methods and digests. There is no field for a
 * text: prompts, answers, names of cartridges and messages that may quote them never get here.
 */
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Logger as Pino, pino } from 'pino'
import type { Digest } from '#shared/domain/digest.ts'
import { type ErrorCode, toStatePackError } from '#shared/domain/error.ts'
import type { EventName } from '#shared/rpc/events.ts'
import { turningFile } from './turningFile.ts'

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** What a line may carry. Closed on purpose: a new field is a decision. */
export interface LogFields {
  readonly method?: string
  readonly op?: string
  readonly event?: EventName
  readonly state?: string
  readonly version?: string
  readonly code?: ErrorCode
  /** The system's code: ENOSPC, SQLITE_CORRUPT. */
  readonly system?: string
  readonly receipt?: Digest | string
  readonly readOnly?: boolean
  readonly seconds?: number
  readonly count?: number
  readonly bytes?: number
  readonly pid?: number
}

export interface Log {
  debug(what: string, fields?: LogFields): void
  info(what: string, fields?: LogFields): void
  warn(what: string, fields?: LogFields): void
  error(what: string, fields?: LogFields): void
  /** An error that nobody expected: its code and where it came from, never its message. */
  failed(what: string, thrown: unknown): void
}

/** `level`: the environment's `STATEPACK_LOG`, else `info`. A folder that cannot be written to logs nothing. */
export function openLog(folder: string, name: string, level: LogLevel = levelOf(process.env.STATEPACK_LOG)): Log {
  if (level === 'silent') return silentLog
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    chmodSync(folder, 0o700)
  } catch {
    return silentLog
  }
  const options = { level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime }
  return logTo(pino(options, turningFile(join(folder, `${name}.log`))))
}

/** For tests and for whoever opens an engine without a log. */
export const silentLog: Log = logTo(pino({ level: 'silent' }))

function levelOf(asked: string | undefined): LogLevel {
  return LOG_LEVELS.find(level => level === asked) ?? 'info'
}

function logTo(to: Pino): Log {
  return {
    debug: (what, fields = {}) => to.debug(fields, what),
    info: (what, fields = {}) => to.info(fields, what),
    warn: (what, fields = {}) => to.warn(fields, what),
    error: (what, fields = {}) => to.error(fields, what),
    failed(what, thrown) {
      const { code, details } = toStatePackError(thrown)
      to.error({ code, system: details.system, at: framesOf(thrown) }, what)
    },
  }
}

/** The places of a stack, without the message in front of them. */
function framesOf(thrown: unknown): string[] {
  const stack = thrown instanceof Error ? (thrown.stack ?? '') : ''
  return stack
    .split('\n')
    .filter(line => /^\s+at /.test(line))
    .slice(0, 12)
    .map(line => line.trim())
}
