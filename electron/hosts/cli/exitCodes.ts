import { ERROR_CODES } from '#shared/domain/error.ts'

const COLUMNS = 3

/** Every exit code with the error it stands for, in columns. */
export function exitCodes(): string {
  const entries = [
    '  0 done',
    ...Object.entries(ERROR_CODES)
      .map(([code, { exit }]) => ({ code, exit }))
      .sort((a, b) => a.exit - b.exit)
      .map(({ code, exit }) => `${String(exit).padStart(3)} ${code}`),
  ]
  const rows = Math.ceil(entries.length / COLUMNS)
  const width = Math.max(...entries.map(entry => entry.length)) + 2
  return Array.from({ length: rows }, (_, row) =>
    `  ${Array.from({ length: COLUMNS }, (_, column) => (entries[column * rows + row] ?? '').padEnd(width)).join('')}`.trimEnd(),
  ).join('\n')
}
