import { join } from 'node:path'
import type { Fingerprint } from '#shared/domain/cartridge.ts'
import { StatePackError, toStatePackError } from '#shared/domain/error.ts'
import type { Progress } from '#shared/rpc/progress.ts'
import { requireLoadable } from '../inference/exportTrial.ts'
import type { Model, Precision } from '../models/model.ts'
import type { ModelEntry } from '../models/modelEntry.ts'
import { findModels, freeId } from '../models/sources/findModels.ts'
import { describeModel, type ModelDescription, type OpenModelOptions, openModel } from '../models/sources/openModel.ts'
import { once } from './once.ts'

/** Called while a model is being opened for the first time: its weights are hashed, or converted to another precision. */
export type OnOpening = (progress: Progress) => void

export interface InstalledModels {
  /**
   * Whether the model of a state is: by its weights where a model was ever opened. One that never was might be it when its
   * headers name the same architecture; names say nothing.
   */
  has(model: Pick<Fingerprint, 'architecture' | 'weightsDigest'>): Promise<boolean>
  /** Digests of the weights of those that were ever opened, by id. */
  readonly weights: ReadonlyMap<string, string>
}

/** Digests of weights by a model's folder and precision. */
export interface WeightsMemory {
  get(): Readonly<Record<string, string>>
  set(digests: Readonly<Record<string, string>>): void
}

export interface ModelRegistryOptions {
  /** Installed models, asked for anew each time: people add and remove them while the engine runs. */
  readonly entries: () => readonly ModelEntry[]
  readonly openOptions?: Pick<OpenModelOptions, 'cacheFolder'>
  /** The precision a model runs in; null for its own. Asked each time: it may be changed while the engine runs. */
  readonly precision?: (entry: ModelEntry) => Precision | null
  /** Where converted weights are kept, a folder for each model; default beside the model. */
  readonly convertedFolder?: string
  /** Keeps what the weights of models were when they were opened last, so that states find them without opening any. */
  readonly weightsMemory?: WeightsMemory
}

/** Which models there are, and what each is: identity, tokenizer and geometry, opened on first use. Loads no weights. */
export interface ModelRegistry {
  entries(): readonly ModelEntry[]
  /** Throws `E_UNKNOWN_MODEL`. */
  find(model: string | ModelEntry): ModelEntry
  /** A model in another precision is another model: what is kept of it is kept by this. */
  keyOf(entry: ModelEntry): string
  /** Identity, tokenizer and geometry without loading weights into a runtime. Throws `E_MODEL_OFFLINE` besides. */
  open(model: string | ModelEntry, signal?: AbortSignal, onOpening?: OnOpening): Promise<Model>
  /** What is kept of one that was opened. */
  opened(entry: ModelEntry): Promise<Model> | undefined
  /** {@link open} in a precision of one's choice, whatever the model runs in; not kept. */
  openAt(id: string, precision: Precision, signal?: AbortSignal, onOpening?: OnOpening): Promise<Model>
  /** What a model's headers say of it: reads no weight. Throws `E_MODEL_OFFLINE` besides. */
  describe(entry: ModelEntry): Promise<ModelDescription>
  /** An export runs as somebody else wrote it: it is tried once, elsewhere. Throws what {@link requireLoadable} throws. */
  requireTried(entry: ModelEntry, model: Model, signal?: AbortSignal): Promise<void>
  /**
   * Opens a model that is not installed yet as far as running it would, and keeps what its weights are; of several in a folder the first
   * whose headers can be read. Returns where it lies. Throws what {@link open} and {@link requireTried} throw.
   */
  tryFolder(folder: string, signal?: AbortSignal, onOpening?: OnOpening): Promise<string>
  /** What is installed, as far as is known without opening a model. The folders are looked through once, now. */
  installed(): InstalledModels
  /** Adds a model's folder or GGUF file for the registry's life (`--model PATH`); returns its id. Throws `E_UNKNOWN_MODEL`. */
  addFolder(folder: string): string
  /** Lets go of everything that was opened. */
  forget(): void
}

export function createModelRegistry({
  entries: installed,
  openOptions,
  precision = () => null,
  convertedFolder,
  weightsMemory,
}: ModelRegistryOptions): ModelRegistry {
  const added: ModelEntry[] = []
  const models = new Map<string, Promise<Model>>()
  const descriptions = new Map<string, Promise<ModelDescription>>()
  /** Of the models that were opened in this run, by key. */
  const weights = new Map<string, string>()

  const entries = () => [...installed(), ...added]
  const keyOf = (entry: ModelEntry) => `${precision(entry) ?? ''} ${entry.folder}`

  function find(found: string | ModelEntry): ModelEntry {
    if (typeof found !== 'string') return found
    const entry = entries().find(candidate => candidate.id === found)
    if (entry !== undefined) return entry
    const known = entries().map(candidate => candidate.id)
    throw new StatePackError('E_UNKNOWN_MODEL', `There is no model "${found}". Installed: ${known.join(', ')}.`, {
      model: found,
    })
  }

  async function openEntry(
    entry: ModelEntry,
    { chosen, signal, onOpening }: { chosen: Precision | null; signal?: AbortSignal; onOpening?: OnOpening },
  ): Promise<Model> {
    requireOnline(entry)
    const converted = convertedFolder === undefined ? undefined : join(convertedFolder, folderNameOf(entry.id))
    return openModel(entry.folder, {
      ...openOptions,
      ...{ name: entry.id, own: entry.starter, precision: chosen ?? undefined, convertedFolder: converted, signal },
      onProgress: ({ done, total }) => onOpening?.({ phase: 'hashing weights', done, total, unit: 'bytes' }),
      onConvert: ({ done, total }) => onOpening?.({ phase: `converting to ${chosen}`, done, total, unit: 'items' }),
    })
  }

  function open(found: string | ModelEntry, signal?: AbortSignal, onOpening?: OnOpening): Promise<Model> {
    const entry = find(found)
    // A drive can go while its models are open.
    if (entry.offline) return openEntry(entry, { chosen: null })
    return once(models, keyOf(entry), async () => {
      const model = await openEntry(entry, { chosen: precision(entry), signal, onOpening })
      remember(keyOf(entry), model.fingerprint.weightsDigest)
      return model
    })
  }

  function remember(key: string, digest: string): void {
    weights.set(key, digest)
    const seen = weightsMemory?.get() ?? {}
    if (seen[key] !== digest) weightsMemory?.set({ ...seen, [key]: digest })
  }

  function openAt(id: string, chosen: Precision, signal?: AbortSignal, onOpening?: OnOpening): Promise<Model> {
    return openEntry(find(id), { chosen, signal, onOpening })
  }

  async function describe(entry: ModelEntry): Promise<ModelDescription> {
    requireOnline(entry)
    return once(descriptions, keyOf(entry), () => describeModel(entry.folder, precision(entry) ?? undefined))
  }

  /** Those in the box are our own. */
  async function requireTried({ starter }: ModelEntry, model: Model, signal?: AbortSignal): Promise<void> {
    if (!starter && model.graph.isExport) await requireLoadable(model, { ...openOptions, signal })
  }

  async function tryFolder(folder: string, signal?: AbortSignal, onOpening?: OnOpening): Promise<string> {
    const [, ...others] = findModels([{ folder, starter: false }])
    const entry = only(folder)
    if (others.length === 0) {
      const model = await openEntry(entry, { chosen: precision(entry), signal, onOpening })
      await requireTried(entry, model, signal)
      remember(keyOf(entry), model.fingerprint.weightsDigest)
      return entry.folder
    }
    // Hashing the weights of a whole shelf takes long: of several models one has to be readable.
    const refused = await describeModel(entry.folder).then(() => null, toStatePackError)
    if (refused === null) return entry.folder
    for (const other of others) {
      if (await describeModel(other.folder).then(Boolean, () => false)) return other.folder
    }
    throw refused
  }

  function installedModels(): InstalledModels {
    const seen = weightsMemory?.get() ?? {}
    const known = new Map<string, string>()
    const unopened: ModelEntry[] = []
    for (const entry of entries()) {
      const digest = weights.get(keyOf(entry)) ?? seen[keyOf(entry)]
      if (digest === undefined) unopened.push(entry)
      else known.set(entry.id, digest)
    }
    const digests = new Set(known.values())
    const isOf = (architecture: string) => (entry: ModelEntry) =>
      describe(entry).then(
        described => described.architecture === architecture,
        () => false,
      )
    return {
      weights: known,
      has: async ({ architecture, weightsDigest }) =>
        digests.has(weightsDigest) || (await Promise.all(unopened.map(isOf(architecture)))).includes(true),
    }
  }

  function addFolder(folder: string): string {
    const found = only(folder)
    const known = entries().find(entry => entry.folder === found.folder)
    if (known !== undefined) return known.id
    const entry = { ...found, id: freeId(entries(), found.id) }
    added.push(entry)
    return entry.id
  }

  return {
    entries,
    find,
    keyOf,
    open,
    opened: entry => models.get(keyOf(entry)),
    openAt,
    describe,
    requireTried,
    tryFolder,
    installed: installedModels,
    addFolder,
    forget: () => {
      for (const opened of [models, descriptions, weights]) opened.clear()
    },
  }
}

/** The first model in a folder. Throws `E_UNKNOWN_MODEL`. */
function only(folder: string): ModelEntry {
  const [found] = findModels([{ folder, starter: false }])
  if (found !== undefined) return found
  const message = `There is no model there (${folder}): neither a folder with a config.json nor a GGUF file.`
  throw new StatePackError('E_UNKNOWN_MODEL', message, { folder })
}

/** The name of the folder in which a model's converted weights lie; an id may be `owner/name`. */
export function folderNameOf(id: string): string {
  return id.replaceAll('/', '--')
}

/** Throws `E_MODEL_OFFLINE`. */
export function requireOnline({ id, folder, offline }: ModelEntry): void {
  if (!offline) return
  const message = `The model "${id}" is offline: ${folder} cannot be reached now.`
  throw new StatePackError('E_MODEL_OFFLINE', message, { model: id, folder })
}
