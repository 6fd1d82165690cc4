import { join } from 'node:path'
import { sizeOf, type WantedFile } from '../../network/downloadFile.ts'
import { requireFree } from '../../network/requireFree.ts'

/** Throws `E_DISK_FULL` unless the rest of the files fits into the folder, besides `more` bytes that they are unpacked to. */
export async function requireSpace(
  folder: string,
  missing: readonly WantedFile[],
  free?: (folder: string) => Promise<number>,
  more = 0,
): Promise<void> {
  let needed = more
  for (const { path, size } of missing) needed += size - Math.min(size, await sizeOf(join(folder, `${path}.part`)))
  await requireFree(folder, { needed, what: 'this model', free })
}
