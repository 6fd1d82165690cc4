import { statfs } from 'node:fs/promises'
import { StatePackError } from '#shared/domain/error.ts'
import { ENGLISH } from '#shared/figures/createFigures.ts'

/** Left free on the disk: a full one harms everything else. */
const RESERVE = 256 << 20

/** Throws `E_DISK_FULL` where `needed` bytes do not fit on the disk of a folder. `free`: how many do, default as the system says. */
export async function requireFree(
  folder: string,
  {
    needed,
    what,
    free = freeBytes,
  }: { needed: number; what: string; free?: ((folder: string) => Promise<number>) | undefined },
): Promise<void> {
  const there = await free(folder)
  if (needed === 0 || there >= needed + RESERVE) return
  const [needs, has] = [needed + RESERVE, there].map(ENGLISH.formatBytes)
  const message = `The disk is too full for ${what}: it needs ${needs}, and ${has} are free.`
  throw new StatePackError('E_DISK_FULL', message, { needed, free: there })
}

/** Bytes that are free on the disk of a folder. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}
