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
  /** Null while it is being extracted, or when that failed. While it is read otherwise, and where that fails, as it was. */
  readonly text: string | null
  /** How its text was made, for the recipe; null where it is taken as it is. */
  readonly extractor: string | null
  /** Of the file; null while that is not known, and for a PDF. */
  readonly encoding: string | null
  /** Nothing says that it is that encoding. */
  readonly guessed: boolean
  /** The encoding that a person says; null where nobody did. `encoding` is another until the text has been read in it. */
  readonly chosen: string | null
  /** How it reads in other encodings, where nothing says which one is right. */
  readonly readings: readonly Reading[]
  /** Of what was done last, so also of a choice that failed. */
  readonly error: unknown
  /** What it holds, where it is opened only when its turn to be read comes. */
  readonly unopened: File | null
}

/** Of more files than that none is opened in advance: with hundreds that would take longer than anyone waits. */
export const MOST_OPENED = 24
/** Larger ones are opened here whatever their number: what is handed over at once has a limit. */
const LARGE = 8 * 2 ** 20
/** Characters of a text that is kept over a reload: a tab keeps some five million in all. Of a longer one the file is held. */
const LONGEST_KEPT = 2 ** 17

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
    ...{ guessed: z.boolean().default(false), chosen: z.string().nullable().default(null) },
    readings: z.array(z.object({ encoding: z.string(), excerpt: z.string() })).default([]),
  }),
)

/**
 * The files of a new cartridge; the engine takes out their text, one after the other. They belong to the window: going
 * elsewhere loses none, nor does a reload. Only a file that the browser could not hold has to be added again, and is named.
 */
export function createSourcesStore(client: Client): SourcesStore {
  const held = createHeldFiles()
  /** As they were given: for a choice of encoding where the browser could not hold them. */
  const given = new Map<string, File>()
  /** Of the reading of each that counts: an older one says nothing any more. */
  const controllers = new Map<string, AbortController>()
  let line = Promise.resolve()
  const store = createStore<SourcesState>((set, get) => {
    const settle = (id: string, part: Partial<SourceFile>) =>
      set({ files: get().files.map(entry => (entry.id === id ? { ...entry, ...part } : entry)) })
    /** In place of what is being read of that file. */
    function startController(id: string): AbortController {
      controllers.get(id)?.abort()
      const controller = new AbortController()
      controllers.set(id, controller)
      return controller
    }
    async function extract({ file, encoding }: Opened, signal: AbortSignal): Promise<Partial<SourceFile>> {
      let bytes = new Uint8Array()
      try {
        bytes = new Uint8Array(await file.arrayBuffer())
        signal.throwIfAborted()
        const input = { name: file.name, bytes, encoding }
        const document = await client.call('documents.extract', input, { signal })
        const chosen = encoding === undefined ? null : document.encoding
        return { ...document, chosen, error: null, ...(document.guessed ? { readings: readingsOf(bytes) } : {}) }
      } catch (thrown) {
        const error = toStatePackError(thrown)
        const isUnknown = error.code === 'E_NOT_TEXT' && encoding === undefined
        return { error, ...(isUnknown ? { readings: readingsOf(bytes) } : {}) }
      }
    }
    async function read(opened: Opened, { signal }: AbortController): Promise<void> {
      if (signal.aborted) return
      const found = await extract(opened, signal)
      if (signal.aborted) return
      controllers.delete(opened.id)
      settle(opened.id, found)
    }
    function begin(opened: Opened, controller = startController(opened.id)): void {
      line = line.then(() => read(opened, controller))
    }
    /** Opens files one after the other; many wait until their turn to be read comes. */
    function open(entries: readonly Opened[]): void {
      const isMany = get().files.length > MOST_OPENED
      const waits = ({ file, encoding }: Opened) => isMany && file.size <= LARGE && encoding === undefined
      const waiting = new Map(entries.filter(waits).map(({ id, file }) => [id, file]))
      set({ files: get().files.map(entry => ({ ...entry, unopened: waiting.get(entry.id) ?? entry.unopened })) })
      for (const entry of entries) {
        if (!waiting.has(entry.id)) begin(entry)
      }
    }
    const before = kept(KEY, keptSchema, [])
    void held.find(before.filter(isWanted).map(({ id }) => id)).then(found => {
      const unread = before.filter(isUnread)
      open(
        unread.flatMap(({ id, chosen }) => {
          const file = found.get(id)
          return file === undefined ? [] : [{ id, file, encoding: chosen ?? undefined }]
        }),
      )
      for (const file of before.filter(isWanted)) {
        // Without the file, nothing can be read otherwise.
        if (!found.has(file.id)) settle(file.id, { readings: [], ...(isUnread(file) ? { error: lost() } : {}) })
      }
    })
    return {
      files: before.map(({ error, ...file }) => ({
        ...{ ...file, unopened: null },
        error: error === null ? null : new StatePackError(error.code, error.message, error.details),
      })),
      add: added => {
        const entries = added.map(file => ({ file, id: crypto.randomUUID() }))
        const fresh = {
          ...{ text: null, extractor: null, encoding: null, guessed: false, chosen: null, readings: [], error: null },
        }
        set({
          files: [
            ...get().files,
            ...entries.map(({ file, id }) => ({ ...fresh, id, name: file.name, bytes: file.size, unopened: null })),
          ],
        })
        for (const { id, file } of entries) given.set(id, file)
        void held.hold(entries)
        open(entries)
      },
      remove: id => {
        controllers.get(id)?.abort()
        controllers.delete(id)
        set({ files: get().files.filter(entry => entry.id !== id) })
      },
      readAs: (id, encoding) => {
        const controller = startController(id)
        settle(id, { chosen: encoding, error: null })
        void held.find([id]).then(found => {
          const file = found.get(id) ?? given.get(id)
          if (file !== undefined) begin({ id, file, encoding }, controller)
          else if (!controller.signal.aborted) settle(id, { error: lost(), readings: [] })
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
    keep(KEY, files.map(keptOf))
    const wanted = new Set(files.filter(isWanted).map(({ id }) => id))
    const over = before.files.filter(file => isWanted(file) && !wanted.has(file.id))
    for (const { id } of over) given.delete(id)
    if (over.length > 0) void held.letGo(over.map(({ id }) => id))
  })
  return store
}

/** A file to be read, in the encoding that a person says, or in the one that it shows. */
interface Opened {
  readonly id: string
  readonly file: File
  readonly encoding?: string | undefined
}

/** What outlives a reload. Of a long text, how it is read again. */
function keptOf({ unopened: _, ...file }: SourceFile) {
  const { text, encoding, guessed } = file
  if (text !== null && text.length > LONGEST_KEPT) {
    // Where the choice failed, the text is still the one of before.
    const chosen = file.error === null ? file.chosen : guessed ? null : encoding
    return { ...file, text: null, chosen, error: null }
  }
  return { ...file, error: file.error === null ? null : toErrorValue(file.error) }
}

/** The file is needed: it is to be read, may be read otherwise, or has a text that is too long to be kept. */
function isWanted(file: Read & Pick<SourceFile, 'readings'>): boolean {
  return isUnread(file) || file.readings.length > 0 || (file.text?.length ?? 0) > LONGEST_KEPT
}

type Read = Pick<SourceFile, 'text' | 'encoding' | 'chosen' | 'error'>

/** It is being read, for the first time or as somebody chose. */
function isUnread({ text, encoding, chosen, error }: Read): boolean {
  return error === null && (text === null || (chosen !== null && chosen !== encoding))
}

/** It has its text, or is opened when its turn comes. */
export function isReadable(file: SourceFile): boolean {
  return file.unopened !== null || (file.text !== null && !isUnread(file))
}

const lost = () =>
  new StatePackError('E_CANCELLED', 'The window was left, and the file is no longer at hand: add it again.')
