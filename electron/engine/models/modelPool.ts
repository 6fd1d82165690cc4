import type { Fingerprint } from '#shared/domain/cartridge.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { candidateDevices, type DeviceChoice } from '../inference/device.ts'
import { openRuntime, type Runtime } from '../inference/runtime.ts'
import { findModels, freeId } from './findModels.ts'
import type { Model } from './model.ts'
import { type OpenModelOptions, openModel } from './openModel.ts'

/** A model that is installed: where it is and what people call it. */
export interface ModelEntry {
  readonly id: string
  readonly folder: string
  readonly starter: boolean
}

export interface LoadedModel {
  readonly entry: ModelEntry
  readonly model: Model
  readonly runtime: Runtime
}

export interface ModelPoolOptions {
  /** Installed models, asked for anew each time: people add and remove them while the engine runs. */
  readonly entries: () => readonly ModelEntry[]
  readonly device: () => DeviceChoice
  readonly threads?: number
  readonly openOptions?: Pick<OpenModelOptions, 'cacheFolder'>
  /** Models kept loaded; the least recently used one is unloaded when another is needed. */
  readonly keep?: number
}

/** Opens models on first use and keeps a few loaded. Owns their native memory. */
export interface ModelPool {
  entries(): readonly ModelEntry[]
  /** By id or name. Throws `E_UNKNOWN_MODEL`, or what opening the folder throws. */
  load(id: string, signal?: AbortSignal): Promise<LoadedModel>
  /** Identity, tokenizer and geometry without loading weights into a runtime. */
  open(id: string, signal?: AbortSignal): Promise<Model>
  /** The installed model a state belongs to: the same fingerprint, else the same name (so that a mismatch can be named). */
  forFingerprint(fingerprint: Fingerprint, same: (a: Fingerprint, b: Fingerprint) => boolean): Promise<ModelEntry>
  loaded(): readonly string[]
  /** Where models run, or would run: the provider of one that is loaded, else the first that would be tried. */
  provider(): string
  /** Adds a model folder while this pool lives (`--model FOLDER`); returns its id. Throws `E_UNKNOWN_MODEL`. */
  addFolder(folder: string): string
  /** Unloads everything, e.g. after the device was changed. */
  unload(): Promise<void>
}

export function createModelPool({
  entries: installed,
  device,
  threads,
  openOptions,
  keep = 2,
}: ModelPoolOptions): ModelPool {
  let running: string | null = null
  const added: ModelEntry[] = []
  const entries = () => [...installed(), ...added]
  const models = new Map<string, Promise<Model>>()
  const runtimes = new Map<string, Promise<Runtime>>()

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

  function open(id: string, signal?: AbortSignal): Promise<Model> {
    const entry = find(id)
    return once(models, entry.folder, () => openModel(entry.folder, { ...openOptions, name: entry.id, signal }))
  }

  async function load(id: string, signal?: AbortSignal): Promise<LoadedModel> {
    const entry = find(id)
    const model = await open(id, signal)
    const runtime = await once(runtimes, entry.folder, () => openRuntime(model, { device: device(), threads }))
    running = runtime.environment.provider
    runtimes.delete(entry.folder)
    runtimes.set(entry.folder, Promise.resolve(runtime))
    for (const [folder, old] of runtimes) {
      if (runtimes.size <= keep) break
      if (folder === entry.folder) continue
      runtimes.delete(folder)
      await (await old).dispose()
    }
    return { entry, model, runtime }
  }

  async function unload(): Promise<void> {
    const all = [...runtimes.values()]
    running = null
    runtimes.clear()
    for (const runtime of await Promise.allSettled(all)) {
      if (runtime.status === 'fulfilled') await runtime.value.dispose()
    }
  }

  async function forFingerprint(
    fingerprint: Fingerprint,
    same: (a: Fingerprint, b: Fingerprint) => boolean,
  ): Promise<ModelEntry> {
    let named: ModelEntry | null = null
    const [byName, others] = [
      entries().filter(e => e.id === fingerprint.name),
      entries().filter(e => e.id !== fingerprint.name),
    ]
    for (const entry of [...byName, ...others]) {
      const model = await open(entry.id).catch(() => null)
      if (model === null) continue
      if (same(model.fingerprint, fingerprint)) return entry
      if (entry.id === fingerprint.name) named = entry
    }
    if (named !== null) return named
    throw new StatePackError(
      'E_UNKNOWN_MODEL',
      `This cartridge needs the model "${fingerprint.name}", which is not installed.`,
      {
        model: fingerprint.name,
        weightsDigest: fingerprint.weightsDigest,
      },
    )
  }

  function addFolder(folder: string): string {
    const [found] = findModels([{ folder, starter: false }])
    if (found === undefined) {
      throw new StatePackError('E_UNKNOWN_MODEL', `There is no model in ${folder}: it has no config.json.`, { folder })
    }
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
    forFingerprint,
    loaded: () =>
      entries()
        .filter(entry => runtimes.has(entry.folder))
        .map(entry => entry.id),
    unload,
  }
}
