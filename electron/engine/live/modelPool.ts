import type { Fingerprint } from '#shared/domain/cartridge.ts'
import type { StatePackError } from '#shared/domain/error.ts'
import { candidateDevices, type DeviceChoice } from '../inference/device.ts'
import { freeMemory as freeMemoryNow } from '../inference/freeMemory.ts'
import type { MemoryTier } from '../inference/memoryTier.ts'
import { openRuntime, type Runtime, type RuntimeOptions } from '../inference/runtime.ts'
import type { Model } from '../models/model.ts'
import type { ModelEntry } from '../models/modelEntry.ts'
import { describeModel } from '../models/sources/openModel.ts'
import { doesNotFit, type MemoryFit, memoryFit } from './memoryFit.ts'
import { modelOfState } from './modelOfState.ts'
import { createModelRegistry, type ModelRegistry, type ModelRegistryOptions, type OnOpening } from './modelRegistry.ts'
import { once } from './once.ts'
import { RuntimeLeases } from './runtimeLeases.ts'

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

export interface ModelPoolOptions extends ModelRegistryOptions {
  readonly device: () => DeviceChoice
  readonly threads?: number
  /** Where the buffers of their sessions are counted. */
  readonly tier?: MemoryTier
  /** Bytes of memory that are free; as the system says. */
  readonly freeMemory?: () => number
  /** Models kept loaded; the least recently used one is unloaded when another is needed. */
  readonly keep?: number
  readonly leases?: RuntimeLeases
  /** Everything is to be unloaded: who only holds on to a model lets go of it. */
  readonly onUnload?: () => void
}

/** The registry's models, a few of them loaded. Owns their native memory. */
export interface ModelPool extends Omit<ModelRegistry, 'find' | 'keyOf' | 'opened' | 'requireTried' | 'forget'> {
  /** By id, or one that was found. Throws `E_UNKNOWN_MODEL`, or what opening the folder throws. */
  load(model: string | ModelEntry, signal?: AbortSignal, onOpening?: OnOpening): Promise<LoadedModel>
  /** See {@link modelOfState}. */
  forFingerprint(fingerprint: Fingerprint, same: (a: Fingerprint, b: Fingerprint) => boolean): Promise<ModelEntry>
  /**
   * Whether a model fits into the memory that is free on the processor, and the refusal that loading it would meet; null of
   * one that is loaded. null: it runs elsewhere. Throws what describing it throws.
   */
  memoryOf(entry: ModelEntry): Promise<(MemoryFit & { readonly refusal: StatePackError | null }) | null>
  loaded(): readonly string[]
  /** What is loaded: whose weights are in memory, in which precision and where, and which operations use them now. */
  inMemory(): Promise<readonly RuntimeInMemory[]>
  /** Where models run, or would run: the provider of one that is loaded, else the first that would be tried. */
  provider(): string
  /** Unloads everything, e.g. after the device was changed; resolves when nobody uses it any more and it is freed. */
  unload(): Promise<void>
}

export function createModelPool({
  device,
  threads,
  tier,
  freeMemory = freeMemoryNow,
  keep = 2,
  leases = new RuntimeLeases(),
  onUnload,
  ...registryOptions
}: ModelPoolOptions): ModelPool {
  const registry = createModelRegistry(registryOptions)
  const runtimes = new Map<string, Promise<Runtime>>()
  let running: string | null = null

  async function memoryOf(entry: ModelEntry) {
    if (candidateDevices(device())[0]?.provider !== 'cpu') return null
    const fit = memoryFit(await registry.describe(entry), freeMemory())
    if (fit.fits || runtimes.has(registry.keyOf(entry))) return { ...fit, refusal: null }
    const refusal = await doesNotFit({
      ...{ entry, fit, others: registry.entries().filter(other => other.folder !== entry.folder) },
      describe: (one, chosen) => (chosen === undefined ? registry.describe(one) : describeModel(one.folder, chosen)),
    })
    return { ...fit, refusal }
  }

  /** Models that nobody uses give way before one is refused. Throws `E_MEMORY`. */
  async function requireMemory(entry: ModelEntry): Promise<void> {
    if ((await memoryOf(entry))?.refusal == null) return
    const own = registry.keyOf(entry)
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

  async function load(found: string | ModelEntry, signal?: AbortSignal, onOpening?: OnOpening): Promise<LoadedModel> {
    const entry = registry.find(found)
    const key = registry.keyOf(entry)
    const model = await registry.open(entry, signal, onOpening)
    const onPrepare: RuntimeOptions['onPrepare'] = ({ done, total }) =>
      onOpening?.({ phase: 'laying out the weights', done, total, unit: 'items' })
    if (!runtimes.has(key)) await requireMemory(entry)
    const opening = once(runtimes, key, async () => {
      await registry.requireTried(entry, model, signal)
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
    registry.forget()
    await Promise.all(all.map(free))
  }

  async function inMemory(): Promise<RuntimeInMemory[]> {
    const found: RuntimeInMemory[] = []
    for (const entry of registry.entries()) {
      const opening = runtimes.get(registry.keyOf(entry))
      if (opening === undefined) continue
      const [model, runtime] = await Promise.allSettled([registry.opened(entry), opening])
      if (model.status !== 'fulfilled' || runtime.status !== 'fulfilled' || model.value === undefined) continue
      found.push({
        id: entry.id,
        precision: model.value.fingerprint.precision,
        provider: runtime.value.environment.provider,
        weightsBytes: model.value.weightsBytes,
        heldBy: leases.holders(runtime.value),
      })
    }
    return found
  }

  return {
    ...registry,
    load,
    memoryOf,
    inMemory,
    unload,
    forFingerprint: (fingerprint, same) => modelOfState(registry, fingerprint, same),
    provider: () => running ?? candidateDevices(device())[0]?.provider ?? 'cpu',
    loaded: () =>
      registry
        .entries()
        .filter(entry => runtimes.has(registry.keyOf(entry)))
        .map(entry => entry.id),
  }
}
