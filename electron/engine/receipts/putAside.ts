import { basename, join } from 'node:path'
import { absentAsNull, type LogFs, type LogPaths } from './logFile.ts'
import { syncFolder } from './storedCheckpoints.ts'

/** Moves a log, its checkpoints and its index to `aside-<n>` beside them, durably; returns that name. */
export async function putAside(fs: LogFs, { folder, log, checkpoints, index }: LogPaths): Promise<string> {
  const earlier = (await fs.readdir(folder)).filter(name => name.startsWith('aside-')).length
  const aside = `aside-${earlier + 1}`
  await fs.mkdir(join(folder, aside), { mode: 0o700 })
  for (const part of [log, checkpoints, index])
    await fs.rename(part, join(folder, aside, basename(part))).catch(absentAsNull)
  await fs.mkdir(checkpoints, { recursive: true, mode: 0o700 })
  await syncFolder(fs, folder)
  return aside
}
