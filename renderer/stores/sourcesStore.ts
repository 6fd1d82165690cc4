import { z } from 'zod'
import { createStore, type StoreApi } from 'zustand/vanilla'
import { StatePackError, toStatePackError } from '#shared/domain/error.ts'
import type { Client } from '#shared/rpc/client.ts'
import { keep, kept } from './useKept.ts'

/** A dropped file on its way to being text. */
export interface SourceFile {
  readonly id: string
  readonly name: string
  readonly bytes: number
  /** Null while it is being extracted, or when that failed. */
  readonly text: string | null
  /** How its text was made, for the recipe; null where it is taken as it is. */
  readonly extractor: string | null
  /** Of the file; null while that is not known, and for a PDF. */
  readonly encoding: string | null
  readonly error: unknown
}

export interface SourcesState {
  readonly files: readonly SourceFile[]
  readonly add: (files: readonly File[]) => void
  readonly remove: (id: string) => void
  /** Takes out those that were read into text; what failed stays until someone has seen it. */
  readonly take: () => void
}
export type SourcesStore = StoreApi<SourcesState>

const KEY = 'create.files'
const keptSchema = z.array(
  z.object({
    ...{ id: z.string(), name: z.string(), bytes: z.number(), text: z.string().nullable() },
    ...{ extractor: z.string().nullable(), encoding: z.string().nullable() },
  }),
)

/**
 * The files of a new cartridge; the engine takes out their text, one after the other. They belong to the window: going
 * elsewhere loses none, nor does a reload. Only a file that was still being read has to be added again, and is named.
 */
export function createSourcesStore(client: Client): SourcesStore {
  const controllers = new Map<string, AbortController>()
  let line = Promise.resolve()
  const store = createStore<SourcesState>((set, get) => {
    const settle = (id: string, part: Partial<SourceFile>) =>
      set({ files: get().files.map(entry => (entry.id === id ? { ...entry, ...part } : entry)) })
    async function read(id: string, file: File): Promise<void> {
      const controller = controllers.get(id)
      if (controller === undefined) return
      try {
        const bytes = new Uint8Array(await file.arrayBuffer())
        settle(id, await client.call('documents.extract', { name: file.name, bytes }, { signal: controller.signal }))
      } catch (error) {
        settle(id, { error: toStatePackError(error) })
      }
      controllers.delete(id)
    }
    return {
      files: kept(KEY, keptSchema, []).map(file => ({
        ...file,
        error:
          file.text === null ? new StatePackError('E_CANCELLED', 'It was not read before the window was left.') : null,
      })),
      add: added => {
        const entries = added.map(file => ({ file, id: crypto.randomUUID() }))
        const fresh = { text: null, extractor: null, encoding: null, error: null }
        set({
          files: [
            ...get().files,
            ...entries.map(({ file, id }) => ({ id, name: file.name, bytes: file.size, ...fresh })),
          ],
        })
        for (const { file, id } of entries) {
          controllers.set(id, new AbortController())
          line = line.then(() => read(id, file))
        }
      },
      remove: id => {
        controllers.get(id)?.abort()
        controllers.delete(id)
        set({ files: get().files.filter(entry => entry.id !== id) })
      },
      take: () => set({ files: get().files.filter(entry => entry.text === null) }),
    }
  })
  store.subscribe(({ files }) => keep(KEY, files))
  return store
}
