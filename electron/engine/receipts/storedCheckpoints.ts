/** receipts/checkpoints/: `latest` (every flush, unsynced) and `<size>` (now and then, synced). */
import { join } from 'node:path'
import { type Checkpoint, openCheckpoint } from './checkpoint.ts'
import type { PublicKey } from './keys.ts'
import { absentAsNull, type LogFs, type LogPaths } from './logFile.ts'

export interface StoredCheckpoint extends Checkpoint {
  readonly name: string
}

/** `latest` when it is there and signed by a trusted key, otherwise null: an unsynced file may be torn after a crash. */
export async function readLatest(
  fs: LogFs,
  paths: LogPaths,
  trusted: readonly PublicKey[],
): Promise<Checkpoint | null> {
  const note = await fs.readFile(paths.latest, 'utf8').catch(absentAsNull)
  return note === null ? null : openCheckpoint(note, trusted).catch(() => null)
}

/** Every stored checkpoint of a trusted key, and the names of the files that are not one. */
export async function readCheckpoints(fs: LogFs, paths: LogPaths, trusted: readonly PublicKey[]) {
  const valid: StoredCheckpoint[] = []
  const ignored: string[] = []
  for (const name of (await fs.readdir(paths.checkpoints).catch(absentAsNull)) ?? []) {
    if (name.startsWith('.')) continue
    try {
      valid.push({ name, ...(await openCheckpoint(await fs.readFile(join(paths.checkpoints, name), 'utf8'), trusted)) })
    } catch {
      ignored.push(name)
    }
  }
  return { valid, ignored }
}

/** Replaces a checkpoint file: temporary file beside it, then rename; synced when it must survive a power cut. */
export async function writeCheckpoint(
  fs: LogFs,
  file: string,
  { note, durable }: { note: string; durable: boolean },
): Promise<void> {
  const temporary = join(file, '..', `.${process.pid}-${process.hrtime.bigint()}`)
  const handle = await fs.open(temporary, 'w', 0o600)
  try {
    await handle.writeFile(note)
    if (durable) await handle.sync()
  } finally {
    await handle.close()
  }
  await fs.rename(temporary, file)
  if (durable) await syncFolder(fs, join(file, '..'))
}

/** Makes a rename or a new file in `folder` survive a power cut. Windows has no such call and needs none. */
export async function syncFolder(fs: LogFs, folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await fs.open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
