import type { Database } from 'better-sqlite3'
import { meterTotals } from './meterQueries.ts'

const COLUMNS = [
  ...['id', 'at', 'cartridge', 'model', 'device', 'tokens_naive', 'tokens_processed', 'tokens_generated'],
  ...[
    'seconds_restore',
    'seconds_read',
    'seconds_generate',
    'seconds_avoided',
    'bytes_read',
    'bytes_written',
    'outcome',
  ],
] as const

type Row = Record<(typeof COLUMNS)[number], string | number | null>

/** All records, oldest first. CSV by RFC 4180; times as ISO 8601; an unknown figure is empty in CSV and null in JSON. */
export function exportMeter(db: Database, format: 'csv' | 'json'): Uint8Array {
  const rows = db
    .prepare<[], Row>(`SELECT ${COLUMNS.join(', ')} FROM records ORDER BY at, id`)
    .all()
    .map(row => ({ ...row, at: new Date(Number(row.at)).toISOString() }))
  if (format === 'json') return Buffer.from(JSON.stringify({ totals: meterTotals(db, 0), records: rows }, null, 1))
  const lines = rows.map(row => COLUMNS.map(column => cell(row[column])).join(','))
  return Buffer.from([COLUMNS.join(','), ...lines].map(line => `${line}\r\n`).join(''))
}

/** Quoted where needed; a text that a spreadsheet would take for a formula is kept a text. */
function cell(value: string | number | null): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
