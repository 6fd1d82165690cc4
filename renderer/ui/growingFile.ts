/** A file that grows as its bytes arrive, on the disk of the browser's own storage: it is never in memory as a whole. */
export interface GrowingFile {
  write(bytes: Uint8Array): Promise<void>
  /** The whole file, to be saved or dragged out. */
  finish(): Promise<Blob>
  /** It was not finished, and nothing of it is kept. */
  discard(): Promise<void>
}

/** What was saved is the download's own by then. */
const KEPT_MS = 3_600_000
const FOLDER = 'outgoing'

export async function createGrowingFile(): Promise<GrowingFile> {
  const root = await navigator.storage?.getDirectory().catch(() => null)
  // An older Safari has no such storage on this thread, and keeps a blob's parts where it likes.
  if (root == null || !('createWritable' in FileSystemFileHandle.prototype)) return inParts()
  const folder = await root.getDirectoryHandle(FOLDER, { create: true })
  await removeOld(folder)
  const name = `${Date.now()}-${crypto.randomUUID()}`
  const handle = await folder.getFileHandle(name, { create: true })
  const stream = await handle.createWritable()
  const remove = () => folder.removeEntry(name).catch(() => {})
  return {
    write: bytes => stream.write(new Uint8Array(bytes)),
    async finish() {
      await stream.close()
      setTimeout(remove, KEPT_MS)
      return handle.getFile()
    },
    async discard() {
      await stream.abort().catch(() => {})
      await remove()
    },
  }
}

function inParts(): GrowingFile {
  const parts: Blob[] = []
  return {
    async write(bytes) {
      parts.push(new Blob([new Uint8Array(bytes)]))
    },
    finish: async () => new Blob(parts),
    async discard() {
      parts.length = 0
    },
  }
}

/** Files of windows that were closed before they could clear up. */
async function removeOld(folder: FileSystemDirectoryHandle): Promise<void> {
  for await (const name of folder.keys()) {
    if (Date.now() - Number.parseInt(name, 10) > KEPT_MS) await folder.removeEntry(name).catch(() => {})
  }
}
