import { z } from 'zod'
import { createStore, type StoreApi } from 'zustand/vanilla'
import { StatePackError, toErrorValue, toStatePackError } from '#shared/domain/error.ts'
import type { Client } from '#shared/rpc/client.ts'
import { jobErrorSchema } from '#shared/rpc/methods/jobs.ts'
import { createHeldFiles } from './heldFiles.ts'
import { type Reading, readingsOf } from './readingsOf.ts'
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
  /** How it reads in other encodings, where nothing says which one is right. */
  readonly readings: readonly Reading[]
  readonly error: unknown
  /** What it holds, where it is opened only when its turn to be read comes. */
  readonly unopened: File | null
}

/** Of more files than that none is opened in advance: with hundreds that would take longer than anyone waits. */
export const MOST_OPENED = 24
/** Larger ones are opened here whatever their number: what is handed over at once has a limit. */
const LARGE = 8 * 2 ** 20

export interface SourcesState {
  readonly files: readonly SourceFile[]
  readonly add: (files: readonly File[]) => void
  readonly remove: (id: string) => void
  /** Takes out the text again, in the encoding that a person knows it to be in. */
  readonly readAs: (id: string, encoding: string) => void
  /** Takes out those that were handed over; what failed stays until someone has seen it. */
  readonly take: (ids: ReadonlySet<string>) => void
  readonly clear: () => void
}
export type SourcesStore = StoreApi<SourcesState>

const KEY = 'create.files'
const keptSchema = z.array(
  z.object({
    ...{ id: z.string(), name: z.string(), bytes: z.number(), text: z.string().nullable() },
    ...{ extractor: z.string().nullable(), encoding: z.string().nullable(), error: jobErrorSchema.nullable() },
    readings: z.array(z.object({ encoding: z.string(), excerpt: z.string() })).default([]),
  }),
)

/**
 * The files of a new cartridge; the engine takes out their text, one after the other. They belong to the window: going
 * elsewhere loses none, nor does a reload. Only a file that the browser could not hold has to be added again, and is named.
 */
export function createSourcesStore(client: Client): SourcesStore {
  const held = createHeldFiles()
  const controllers = new Map<string, AbortController>()
  let line = Promise.resolve()
  const store = createStore<SourcesState>((set, get) => {
    const settle = (id: string, part: Partial<SourceFile>) =>
      set({ files: get().files.map(entry => (entry.id === id ? { ...entry, ...part } : entry)) })
    async function read(id: string, file: File, encoding?: string): Promise<void> {
      const controller = controllers.get(id)
      if (controller === undefined) return
      try {
        const bytes = new Uint8Array(await file.arrayBuffer())
        const input = { name: file.name, bytes, encoding }
        const { guessed, ...found } = await client.call('documents.extract', input, { signal: controller.signal })
        settle(id, { ...found, error: null, ...(guessed ? { readings: readingsOf(bytes) } : {}) })
      } catch (thrown) {
        const error = toStatePackError(thrown)
        const isUnknown = error.code === 'E_NOT_TEXT' && encoding === undefined
        const readings = isUnknown
          ? readingsOf(new Uint8Array(await file.arrayBuffer().catch(() => new ArrayBuffer(0))))
          : []
        settle(id, { error, ...(readings.length === 0 ? {} : { readings }) })
      }
      controllers.delete(id)
    }
    function begin(id: string, file: File, encoding?: string): void {
      controllers.set(id, new AbortController())
      line = line.then(() => read(id, file, encoding))
    }
    /** Opens files one after the other; many wait until their turn to be read comes. */
    function open(entries: readonly { readonly id: string; readonly file: File }[]): void {
      const isMany = get().files.length > MOST_OPENED
      const waiting = new Map(entries.flatMap(({ id, file }) => (isMany && file.size <= LARGE ? [[id, file]] : [])))
      set({ files: get().files.map(entry => ({ ...entry, unopened: waiting.get(entry.id) ?? entry.unopened })) })
      for (const { id, file } of entries) {
        if (!waiting.has(id)) begin(id, file)
      }
    }
    const before = kept(KEY, keptSchema, [])
    const unread = before.filter(isUnread).map(({ id }) => id)
    void held.find(unread).then(found => {
      open([...found].map(([id, file]) => ({ id, file })))
      for (const id of unread) if (!found.has(id)) settle(id, { error: lost() })
    })
    return {
      files: before.map(({ error, ...file }) => ({
        ...{ ...file, unopened: null },
        error: error === null ? null : new StatePackError(error.code, error.message, error.details),
      })),
      add: added => {
        const entries = added.map(file => ({ file, id: crypto.randomUUID() }))
        const fresh = { text: null, extractor: null, encoding: null, readings: [], error: null }
        set({
          files: [
            ...get().files,
            ...entries.map(({ file, id }) => ({ ...fresh, id, name: file.name, bytes: file.size, unopened: null })),
          ],
        })
        void held.hold(entries)
        open(entries)
      },
      remove: id => {
        controllers.get(id)?.abort()
        controllers.delete(id)
        set({ files: get().files.filter(entry => entry.id !== id) })
      },
      readAs: (id, encoding) => {
        settle(id, { text: null, encoding: null, error: null })
        void held.find([id]).then(found => {
          const file = found.get(id)
          if (file === undefined) settle(id, { error: lost() })
          else begin(id, file, encoding)
        })
      },
      take: ids => set({ files: get().files.filter(entry => !ids.has(entry.id)) }),
      clear: () => {
        for (const controller of controllers.values()) controller.abort()
        controllers.clear()
        set({ files: [] })
      },
    }
  })
  store.subscribe(({ files }, before) => {
    keep(
      KEY,
      files.map(({ unopened: _, error, ...file }) => ({ ...file, error: error === null ? null : toErrorValue(error) })),
    )
    const wanted = new Set(files.filter(isWanted).map(({ id }) => id))
    const over = before.files.filter(file => isWanted(file) && !wanted.has(file.id))
    if (over.length > 0) void held.letGo(over.map(({ id }) => id))
  })
  return store
}

/** It may be read, or read otherwise. */
function isWanted(file: Pick<SourceFile, 'text' | 'error' | 'readings'>): boolean {
  return isUnread(file) || file.readings.length > 0
}

const lost = () =>
  new StatePackError('E_CANCELLED', 'The window was left, and the file is no longer at hand: add it again.')

function isUnread({ text, error }: Pick<SourceFile, 'text' | 'error'>): boolean {
  return text === null && error === null
}
