import { chmodSync, closeSync, openSync } from 'node:fs'

/** Makes sure that a SQLite file exists with mode 0600 before SQLite opens it; its WAL files take over that mode. */
export function makePrivate(path: string): void {
  closeSync(openSync(path, 'a', 0o600))
  chmodSync(path, 0o600)
}
