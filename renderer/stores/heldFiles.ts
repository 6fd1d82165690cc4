/** Files that a page was given and nobody has read yet, held by the browser: without that a reload would lose them. */
export interface HeldFiles {
  /** As far as there is room on the disk; what is not held is named after a reload, and has to be added again. */
  readonly hold: (files: readonly { readonly id: string; readonly file: File }[]) => Promise<void>
  /** Those of `ids` that are held. */
  readonly find: (ids: readonly string[]) => Promise<ReadonlyMap<string, File>>
  readonly letGo: (ids: readonly string[]) => Promise<void>
}

interface Held {
  readonly file: File
  /** Milliseconds since 1970. */
  readonly at: number
}

const STORE = 'files'
/** Those of a window that was closed are of no use any more, and nobody says when that was. */
const LONGEST_MS = 24 * 60 * 60 * 1000

/** Holds files in IndexedDB, where there is one. They are copies on the disk, of this browser's profile only. */
export function createHeldFiles(): HeldFiles {
  let opened: Promise<IDBDatabase | null> | null = null
  async function within(mode: IDBTransactionMode, work: (files: IDBObjectStore) => void): Promise<void> {
    opened ??= openFiles().catch(() => null)
    const transaction = (await opened)?.transaction(STORE, mode)
    if (transaction === undefined) return
    work(transaction.objectStore(STORE))
    await new Promise<void>(resolve => {
      for (const end of ['complete', 'error', 'abort']) transaction.addEventListener(end, () => resolve())
    })
  }
  return {
    hold: files =>
      within('readwrite', store => {
        for (const { id, file } of files) store.put({ file, at: Date.now() } satisfies Held, id)
      }),
    find: async ids => {
      const found = new Map<string, File>()
      await within('readonly', store => {
        for (const id of ids) {
          const asked: IDBRequest<Held | undefined> = store.get(id)
          asked.addEventListener('success', () => {
            if (asked.result !== undefined) found.set(id, asked.result.file)
          })
        }
      })
      return found
    },
    letGo: ids =>
      within('readwrite', store => {
        for (const id of ids) store.delete(id)
      }),
  }
}

function openFiles(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open('statepack', 1)
    request.addEventListener('upgradeneeded', () => request.result.createObjectStore(STORE))
    request.addEventListener('error', () => reject(request.error))
    request.addEventListener('success', () => {
      const old = request.result.transaction(STORE, 'readwrite').objectStore(STORE).openCursor()
      old.addEventListener('success', () => {
        const cursor = old.result
        if (cursor === null) return
        const { at }: Held = cursor.value
        if (at < Date.now() - LONGEST_MS) cursor.delete()
        cursor.continue()
      })
      resolve(request.result)
    })
  })
}
