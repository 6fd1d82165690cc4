import { appendFileSync, chmodSync, renameSync, statSync } from 'node:fs'

const TURN_BYTES = 4 * 1024 * 1024
const KEPT = 3

/**
 * A file that lines are appended to (0600); at 4 MiB it becomes `<path>.1`, that one `.2`, and the third is the last. Several
 * processes may append; one that turns it over in the same moment as another costs lines of a log. Never throws: a full disk
 * is no reason for anything else to fail.
 */
export function turningFile(path: string, turnBytes = TURN_BYTES): { write(line: string): void } {
  let size = sizeOf(path)
  return {
    write(line) {
      try {
        if (size + line.length > turnBytes) {
          turn(path)
          size = 0
        }
        appendFileSync(path, line, { mode: 0o600 })
        if (size === 0) chmodSync(path, 0o600)
        size += Buffer.byteLength(line)
      } catch {
        // Nothing to be done about it, and nobody to tell.
      }
    },
  }
}

function turn(path: string): void {
  for (let age = KEPT - 1; age >= 0; age--) {
    try {
      renameSync(age === 0 ? path : `${path}.${age}`, `${path}.${age + 1}`)
    } catch {
      // Not that old yet.
    }
  }
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size
  } catch {
    return 0
  }
}
