import { join } from 'node:path'
import type { Fingerprint } from '#shared/domain/cartridge.ts'
import { StatePackError, toStatePackError } from '#shared/domain/error.ts'
import type { Progress } from '#shared/rpc/progress.ts'
import { candidateDevices, type DeviceChoice } from '../inference/device.ts'
import { requireLoadable } from '../inference/exportTrial.ts'
import { freeMemory as freeMemoryNow } from '../inference/freeMemory.ts'
import type { MemoryTier } from '../inference/memoryTier.ts'
import { openRuntime, type Runtime, type RuntimeOptions } from '../inference/runtime.ts'
import type { Model, Precision } from '../models/model.ts'
import type { ModelEntry } from '../models/modelEntry.ts'
import { findModels, freeId } from '../models/sources/findModels.ts'
import { describeModel, type ModelDescription, type OpenModelOptions, openModel } from '../models/sources/openModel.ts'
import { doesNotFit, type MemoryFit, memoryFit } from './memoryFit.ts'
import { RuntimeLeases } from './runtimeLeases.ts'

/** Called while a model is being opened for the first time: its weights are hashed, or converted to another precision. */
export type OnOpening = (progress: Progress) => void

export interface LoadedModel {
  readonly entry: ModelEntry
  readonly model: Model
  /** Not freed before the operation that asked for it is over. */
  readonly runtime: Runtime
}

export interface RuntimeInMemory {
  readonly id: string
  readonly precision: string
  readonly provider: string
  readonly weightsBytes: number
  readonly heldBy: string[]
}

export interface InstalledModels {
  /**
   * Whether the model of a state is: by its weights where a model was ever opened. One that never was might be it when its
   * headers name the same architecture; names say nothing.
   */
  has(model: Pick<Fingerprint, 'architecture' | 'weightsDigest'>): Promise<boolean>
  /** Digests of the weights of those that were ever opened, by id. */
  readonly weights: ReadonlyMap<string, string>
}

export interface ModelPoolOptions {
  /** Installed models, asked for anew each time: people add and remove them while the engine runs. */
  readonly entries: () => readonly ModelEntry[]
  readonly device: () => DeviceChoice
  readonly threads?: number
  /** Where the buffers of their sessions are counted. */
  readonly tier?: MemoryTier
  readonly openOptions?: Pick<OpenModelOptions, 'cacheFolder'>
  /** The precision a model runs in; null for its own. Asked each time: it may be changed while the engine runs. */
  readonly precision?: (entry: ModelEntry) => Precision | null
  /** Where converted weights are kept, a folder for each model; default beside the model. */
  readonly convertedFolder?: string
  /** Bytes of memory that are free; as the system says. */
  readonly freeMemory?: () => number
  /** Keeps what the weights of models were when they were opened last, so that states find them without opening any. */
  readonly weightsMemory?: WeightsMemory
  /** Models kept loaded; the least recently used one is unloaded when another is needed. */
  readonly keep?: number
  readonly leases?: RuntimeLeases
  /** Everything is to be unloaded: who only holds on to a model lets go of it. */
  readonly onUnload?: () => void
}

/** Digests of weights by a model's folder and precision. */
export interface WeightsMemory {
  get(): Readonly<Record<string, string>>
  set(digests: Readonly<Record<string, string>>): void
}

/** Opens models on first use and keeps a few loaded. Owns their native memory. */
export interface ModelPool {
  entries(): readonly ModelEntry[]
  /** By id, or one that was found. Throws `E_UNKNOWN_MODEL`, or what opening the folder throws. */
  load(model: string | ModelEntry, signal?: AbortSignal, onOpening?: OnOpening): Promise<LoadedModel>
  /** Identity, tokenizer and geometry without loading weights into a runtime. Throws `E_MODEL_OFFLINE` besides. */
  open(id: string, signal?: AbortSignal, onOpening?: OnOpening): Promise<Model>
  /** The same in a precision of one's choice, whatever the model runs in; not kept by the pool. */
  openAt(id: string, precision: Precision, signal?: AbortSignal, onOpening?: OnOpening): Promise<Model>
  /** The installed model a state belongs to: the same fingerprint, else the same name (so that a mismatch can be named). */
  forFingerprint(fingerprint: Fingerprint, same: (a: Fingerprint, b: Fingerprint) => boolean): Promise<ModelEntry>
  /** What a model's headers say of it: reads no weight. Throws `E_MODEL_OFFLINE` besides. */
  describe(entry: ModelEntry): Promise<ModelDescription>
  /**
   * Whether a model fits into the memory that is free on the processor, and the refusal that loading it would meet; null of
   * one that is loaded. null: it runs elsewhere. Throws what describing it throws.
   */
  memoryOf(entry: ModelEntry): Promise<(MemoryFit & { readonly refusal: StatePackError | null }) | null>
  /**
   * Opens a model that is not installed yet as far as running it would, and keeps what its weights are; of several in a folder the first
   * whose headers can be read. Returns where it lies. Throws what {@link load} throws.
   */
  tryFolder(folder: string, signal?: AbortSignal, onOpening?: OnOpening): Promise<string>
  /** What is installed, as far as is known without opening a model. The folders are looked through once, now. */
  installed(): InstalledModels
  loaded(): readonly string[]
  /** What is loaded: whose weights are in memory, in which precision and where, and which operations use them now. */
  inMemory(): Promise<readonly RuntimeInMemory[]>
  /** Where models run, or would run: the provider of one that is loaded, else the first that would be tried. */
  provider(): string
  /** Adds a model's folder or GGUF file while this pool lives (`--model PATH`); returns its id. Throws `E_UNKNOWN_MODEL`. */
  addFolder(folder: string): string
  /** Unloads everything, e.g. after the device was changed; resolves when nobody uses it any more and it is freed. */
  unload(): Promise<void>
}

export function createModelPool({
  entries: installed,
  device,
  threads,
  tier,
  openOptions,
  precision = () => null,
  convertedFolder,
  freeMemory = freeMemoryNow,
  weightsMemory,
  keep = 2,
  leases = new RuntimeLeases(),
  onUnload,
}: ModelPoolOptions): ModelPool {
  let running: string | null = null
  const added: ModelEntry[] = []
  const entries = () => [...installed(), ...added]
  const models = new Map<string, Promise<Model>>()
  const runtimes = new Map<string, Promise<Runtime>>()
  const descriptions = new Map<string, Promise<ModelDescription>>()
  /** Of the models that were opened in this run, by key. */
  const weights = new Map<string, string>()

  function find(id: string): ModelEntry {
    const entry = entries().find(candidate => candidate.id === id)
    if (entry !== undefined) return entry
    const known = entries().map(candidate => candidate.id)
    throw new StatePackError('E_UNKNOWN_MODEL', `There is no model "${id}". Installed: ${known.join(', ')}.`, {
      model: id,
    })
  }

  /** One opening at a time for each key; a failed one is forgotten so that it can be tried again. */
  function once<T>(map: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
    const running = map.get(key)
    if (running !== undefined) return running
    const made = make()
    map.set(key, made)
    made.catch(() => map.delete(key))
    return made
  }

  /** A model in another precision is another model: what is open is kept by both. */
  const keyOf = (entry: ModelEntry) => `${precision(entry) ?? ''} ${entry.folder}`

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
    const entry = typeof found === 'string' ? find(found) : found
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

  async function describe(entry: ModelEntry): Promise<ModelDescription> {
    requireOnline(entry)
    return once(descriptions, keyOf(entry), () => describeModel(entry.folder, precision(entry) ?? undefined))
  }

  async function memoryOf(entry: ModelEntry) {
    if (candidateDevices(device())[0]?.provider !== 'cpu') return null
    const fit = memoryFit(await describe(entry), freeMemory())
    if (fit.fits || runtimes.has(keyOf(entry))) return { ...fit, refusal: null }
    const refusal = await doesNotFit({
      ...{ entry, fit, others: entries().filter(other => other.folder !== entry.folder) },
      describe: (one, chosen) => (chosen === undefined ? describe(one) : describeModel(one.folder, chosen)),
    })
    return { ...fit, refusal }
  }

  /** Models that nobody uses give way before one is refused. Throws `E_MEMORY`. */
  async function requireMemory(entry: ModelEntry): Promise<void> {
    if ((await memoryOf(entry))?.refusal == null) return
    const own = keyOf(entry)
    await Promise.all([...runtimes].filter(([key]) => key !== own).map(([key, old]) => freeIdle(key, old)))
    const refusal = (await memoryOf(entry))?.refusal
    if (refusal) throw refusal
  }

  async function freeIdle(key: string, old: Promise<Runtime>): Promise<void> {
    const [runtime] = await Promise.allSettled([old])
    if (runtime.status === 'rejected' || leases.holders(runtime.value).length > 0) return
    runtimes.delete(key)
    await leases.free(runtime.value)
  }

  /** An export runs as somebody else wrote it; those in the box are our own. */
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

  function openAt(id: string, chosen: Precision, signal?: AbortSignal, onOpening?: OnOpening): Promise<Model> {
    return openEntry(find(id), { chosen, signal, onOpening })
  }

  async function load(found: string | ModelEntry, signal?: AbortSignal, onOpening?: OnOpening): Promise<LoadedModel> {
    const entry = typeof found === 'string' ? find(found) : found
    const key = keyOf(entry)
    const model = await open(entry, signal, onOpening)
    const onPrepare: RuntimeOptions['onPrepare'] = ({ done, total }) =>
      onOpening?.({ phase: 'laying out the weights', done, total, unit: 'items' })
    if (!runtimes.has(key)) await requireMemory(entry)
    const opening = once(runtimes, key, async () => {
      await requireTried(entry, model, signal)
      return openRuntime(model, { device: device(), threads, tier, signal, onPrepare })
    })
    const runtime = await opening
    // Unloaded while it was being opened: whoever did so frees it.
    if (runtimes.get(key) !== opening) return load(found, signal, onOpening)
    leases.take(runtime)
    running = runtime.environment.provider
    runtimes.delete(key)
    runtimes.set(key, opening)
    for (const [other, old] of runtimes) {
      if (runtimes.size <= keep) break
      if (other === key) continue
      runtimes.delete(other)
      void free(old)
    }
    return { entry, model, runtime }
  }

  /** Frees a runtime that is no longer in the map, once nobody uses it. One that failed to open has nothing to free. */
  async function free(opening: Promise<Runtime>): Promise<void> {
    const [runtime] = await Promise.allSettled([opening])
    if (runtime.status === 'fulfilled') await leases.free(runtime.value)
  }

  async function unload(): Promise<void> {
    onUnload?.()
    const all = [...runtimes.values()]
    running = null
    runtimes.clear()
    models.clear()
    descriptions.clear()
    weights.clear()
    await Promise.all(all.map(free))
  }

  async function forFingerprint(
    fingerprint: Fingerprint,
    same: (a: Fingerprint, b: Fingerprint) => boolean,
  ): Promise<ModelEntry> {
    let named: ModelEntry | null = null
    const failures: { readonly id: string; readonly error: StatePackError }[] = []
    const all = entries()
    const offline = all.find(entry => entry.offline && entry.id === fingerprint.name)
    const [byName, others] = [all.filter(e => e.id === fingerprint.name), all.filter(e => e.id !== fingerprint.name)]
    for (const entry of [...byName, ...others]) {
      const failed = (error: unknown) => {
        failures.push({ id: entry.id, error: toStatePackError(error) })
        return null
      }
      if (entry.offline) continue
      // Headers first: weights of another kind of model need not be hashed to know that they are others.
      const described = await describe(entry).catch(failed)
      if (described === null) continue
      if (described.architecture !== fingerprint.architecture && entry.id !== fingerprint.name) continue
      const model = await open(entry).catch(failed)
      if (model === null) continue
      if (same(model.fingerprint, fingerprint)) return entry
      if (entry.id === fingerprint.name) named = entry
    }
    if (named !== null) return named
    if (offline !== undefined) requireOnline(offline)
    throw notFound(fingerprint, failures)
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
    provider: () => running ?? candidateDevices(device())[0]?.provider ?? 'cpu',
    addFolder,
    entries,
    load,
    open,
    openAt,
    describe,
    memoryOf,
    tryFolder,
    installed: installedModels,
    forFingerprint,
    loaded: () =>
      entries()
        .filter(entry => runtimes.has(keyOf(entry)))
        .map(entry => entry.id),
    inMemory: async () => {
      const found: RuntimeInMemory[] = []
      for (const entry of entries()) {
        const [model, runtime] = await Promise.allSettled([models.get(keyOf(entry)), runtimes.get(keyOf(entry))])
        if (model.status !== 'fulfilled' || runtime.status !== 'fulfilled') continue
        if (model.value === undefined || runtime.value === undefined) continue
        found.push({
          id: entry.id,
          precision: model.value.fingerprint.precision,
          provider: runtime.value.environment.provider,
          weightsBytes: model.value.weightsBytes,
          heldBy: leases.holders(runtime.value),
        })
      }
      return found
    },
    unload,
  }
}

/** The first model in a folder. Throws `E_UNKNOWN_MODEL`. */
function only(folder: string): ModelEntry {
  const [found] = findModels([{ folder, starter: false }])
  if (found !== undefined) return found
  const message = `There is no model there (${folder}): neither a folder with a config.json nor a GGUF file.`
  throw new StatePackError('E_UNKNOWN_MODEL', message, { folder })
}

/** A model of that name which cannot be opened is the one that is needed, as far as anybody can tell: its own words then. */
function notFound(
  { name, weightsDigest }: Fingerprint,
  failures: readonly { readonly id: string; readonly error: StatePackError }[],
): StatePackError {
  const own = failures.find(({ id }) => id === name)
  if (own !== undefined) {
    const message = `This cartridge needs the model "${name}", which cannot be opened: ${own.error.message}`
    return new StatePackError(own.error.code, message, { ...own.error.details, model: name }, own.error)
  }
  const others = failures.map(({ id, error }) => `${id} (${error.message})`).join(', ')
  const unseen = others === '' ? '' : ` Models that could not be opened, and might be it: ${others}`
  const message = `This cartridge needs the model "${name}", which is not installed.${unseen}`
  return new StatePackError('E_UNKNOWN_MODEL', message, { model: name, weightsDigest })
}

/** The name of the folder in which a model's converted weights lie; an id may be `owner/name`. */
export function folderNameOf(id: string): string {
  return id.replaceAll('/', '--')
}

function requireOnline({ id, folder, offline }: ModelEntry): void {
  if (!offline) return
  const message = `The model "${id}" is offline: ${folder} cannot be reached now.`
  throw new StatePackError('E_MODEL_OFFLINE', message, { model: id, folder })
}
