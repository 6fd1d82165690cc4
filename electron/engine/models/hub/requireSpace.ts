import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { StatePackError } from '#shared/domain/error.ts'
import { sizeOf, type WantedFile } from '../../network/downloadFile.ts'

/** Left free on the disk: a full one harms everything else. */
const RESERVE = 256 << 20

/** Throws `E_DISK_FULL` unless the rest of the files fits into the folder, besides `more` bytes that they are unpacked to. */
export async function requireSpace(
  folder: string,
  missing: readonly WantedFile[],
  free: (folder: string) => Promise<number> = freeBytes,
  more = 0,
): Promise<void> {
  let needed = more
  for (const { path, size } of missing) needed += size - Math.min(size, await sizeOf(join(folder, `${path}.part`)))
  const there = await free(folder)
  if (needed === 0 || there >= needed + RESERVE) return
  const [needs, has] = [needed + RESERVE, there].map(bytes => `${(bytes / 1e9).toFixed(1)} GB`)
  const message = `The disk is too full for this model: it needs ${needs}, and ${has} are free.`
  throw new StatePackError('E_DISK_FULL', message, { needed, free: there })
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}
