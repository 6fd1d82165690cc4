/** The composition root: the only file that knows every part. Hosts get handlers and events; nothing else leaves. */
import { join } from 'node:path'
import { StatePackError } from '#shared/domain/error.ts'
import type { EngineHandlers } from '#shared/rpc/contract.ts'
import type { EventName } from '#shared/rpc/events.ts'
import { answerHandlers } from './api/answerHandlers.ts'
import { askHandlers } from './api/askHandlers.ts'
import { collectionHandlers } from './api/collectionHandlers.ts'
import { engineHandlers } from './api/engineHandlers.ts'
import type { EngineState } from './api/engineState.ts'
import { createFetchModel } from './api/fetchModel.ts'
import { hubHandlers } from './api/hubHandlers.ts'
import { inspectHandlers } from './api/inspectHandlers.ts'
import { jobHandlers } from './api/jobHandlers.ts'
import { keyHandlers } from './api/keyHandlers.ts'
import { libraryHandlers } from './api/libraryHandlers.ts'
import { memoryHandlers } from './api/memoryHandlers.ts'
import { modelHandlers } from './api/modelHandlers.ts'
import { createModelSettings } from './api/modelSettings.ts'
import { packetHandlers } from './api/packetHandlers.ts'
import { receiptHandlers } from './api/receiptHandlers.ts'
import { remixHandlers } from './api/remixHandlers.ts'
import { savingsHandlers } from './api/savingsHandlers.ts'
import { createSettingsStore } from './api/settingsStore.ts'
import { shareHandlers } from './api/shareHandlers.ts'
import { type DeviceChoice, defaultThreads } from './inference/device.ts'
import { freeMemory } from './inference/freeMemory.ts'
import { weightSpeed } from './inference/weightSpeed.ts'
import { Copies } from './jobs/copies.ts'
import { importJob } from './jobs/importJob.ts'
import { JobQueue } from './jobs/jobQueue.ts'
import { readJob } from './jobs/readJob.ts'
import { purgeConversations } from './library/conversations.ts'
import { createSecretStore } from './library/secrets.ts'
import { makeStarters } from './library/starters.ts'
import type { Machine } from './live/choosePrecision.ts'
import { createLiveState } from './live/liveState.ts'
import { createModelPool } from './live/modelPool.ts'
import { Pool } from './live/pool.ts'
import { RuntimeLeases } from './live/runtimeLeases.ts'
import { type Log, silentLog } from './logging/openLog.ts'
import { openMeter } from './meter/meter.ts'
import { findHubToken } from './models/hub/findHubToken.ts'
import { keptModels } from './models/sources/keptModels.ts'
import { describePacket } from './packets/describePacket.ts'
import { ProcessLock } from './processLock.ts'
import { KeyStore } from './receipts/keyStore.ts'
import { openReceiptLog } from './receipts/receiptLog.ts'
import { createRecorder } from './record/recorder.ts'
import { type ColdTier, createColdTier } from './registry/coldTier.ts'
import { Incoming } from './registry/incoming.ts'
import { parseReference } from './registry/reference.ts'
import { openAsAllowed } from './store/openStore.ts'
import { VERSION } from './version.ts'

export interface EngineOptions {
  readonly storeFolder: string
  /** Keys, digests of weights, downloaded models: never inside a store. */
  readonly dataFolder: string
  readonly modelFolders: readonly string[]
  readonly assetsFolder: string
  /** A device's name, or `auto`; the setting when absent. */
  readonly device?: string
  readonly threads?: number
  /** 32 bytes in base64 that secrets are saved under; without it they stay in memory. */
  readonly secretKey?: string | null
  /** What this machine can do; as the system says and as it is measured. */
  readonly machine?: Partial<Machine>
  /** Fill a new library with the starter cartridges. Default true. */
  readonly starters?: boolean
  /** Shares states with other servers through this repository of a registry, or, where that is null, the setting's. */
  readonly coldTier?: { readonly place: string | null; readonly tokenHosts?: readonly string[] }
  readonly onEvent?: (name: EventName, data: unknown) => void
  /** Default: none. */
  readonly log?: Log
}

export interface Engine {
  readonly handlers: EngineHandlers
  readonly log: Log
  /** The parts, for the command line and the benchmarks, which run in this very process. */
  readonly state: EngineState
  /** Resolves when a new library has its starter cartridges. */
  readonly startersReady: Promise<void>
  dispose(): Promise<void>
}

/** Opens everything. Throws what opening the store, the keys or the receipt log throws; then nothing stays open. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { storeFolder, dataFolder, assetsFolder } = options
  const { log = silentLog, threads = defaultThreads() } = options
  const machine: Machine = { freeMemory, weightSpeed: () => weightSpeed(threads), ...options.machine }
  const emit = (name: EventName, data: unknown) => options.onEvent?.(name, data)
  const store = await openAsAllowed(storeFolder, { describe: describePacket })
  try {
    const leases = new RuntimeLeases()
    const keys = await KeyStore.open(join(dataFolder, 'keys'))
    const receipts = await openReceiptLog(join(storeFolder, 'receipts'), { keys, readOnly: store.readOnly })
    const meter = openMeter(join(storeFolder, 'meter.sqlite'))
    const settings = createSettingsStore(store.library)
    const shared = options.coldTier === undefined ? '' : (options.coldTier.place ?? settings.get().coldTier)
    const place = shared === '' ? null : parseReference(shared)
    const live = createLiveState(store, {
      ...{ registry: place, log },
      budgets: settings.get().memory,
      onChange: atMostEvery(1000, () => emit('memory.changed', {})),
      onGone: packetIds => emit('library.changed', { packetIds: [...packetIds] }),
      whenOver: leases.whenOver,
    })
    const modelSettings = createModelSettings(store.library)
    const installed = keptModels(modelSettings.seen)
    const models = createModelPool({
      entries: () =>
        installed([
          { folder: join(assetsFolder, 'models'), starter: true },
          { folder: join(dataFolder, 'models'), starter: false },
          ...[...options.modelFolders, ...settings.get().modelFolders].map(folder => ({
            folder,
            starter: false,
            external: true,
          })),
        ]),
      precision: entry => modelSettings.precisionOf(entry.folder),
      convertedFolder: join(dataFolder, 'converted'),
      weightsMemory: modelSettings.weights,
      device: () =>
        options.device === undefined || options.device === 'auto' ? settings.get().device : parseDevice(options.device),
      threads: options.threads,
      freeMemory: machine.freeMemory,
      tier: live.hot,
      leases,
      openOptions: { cacheFolder: join(dataFolder, 'digests') },
      onUnload: () => queue.letGo(),
    })
    const incoming = new Incoming(store.parts)
    let cold: ColdTier | null = null
    const state: EngineState = {
      store,
      models,
      receipts,
      keys,
      recorder: createRecorder({ receipts, readOnly: store.readOnly, meter, usage: store.library.usage, emit, log }),
      meter,
      savings: meter,
      live,
      faces: new Pool(live.warm),
      blobs: live.unstored,
      settings,
      secrets: createSecretStore(store.library.settings, options.secretKey),
      emit,
      machine,
      elsewhere: async digest => (await cold?.fetch(digest)) ?? false,
      changed: packetIds => {
        cold?.offer(packetIds)
        emit('library.changed', { packetIds: [...packetIds] })
      },
      version: VERSION,
      startedAt: new Date().toISOString(),
      folders: { store: storeFolder, data: dataFolder, assets: assetsFolder, models: options.modelFolders },
    }
    if (place !== null && !store.readOnly) {
      const { tokenHosts } = options.coldTier ?? {}
      cold = createColdTier(state, { place, tokenHosts, incoming, log })
    }
    const hub = () => {
      const endpoint = settings.get().hubEndpoint
      const token = findHubToken(endpoint)
      return { endpoint, ...(token === undefined ? {} : { token }) }
    }
    const fetchModel = createFetchModel(state, { hub, models: modelSettings })
    const copies = new Copies(store.parts.layout.uploads)
    const queue = new JobQueue({
      rows: store.library.jobs,
      settings: store.library.settings,
      lock: () => (store.readOnly ? null : new ProcessLock(store.parts.layout.jobsLock)),
      perform: {
        read: (task, work) => leases.apart('jobs', () => readJob(state, task, work)),
        import: (task, work) => leases.apart('jobs', () => importJob(state, task, work)),
        download: (task, { call }) => leases.apart('jobs', async () => void (await fetchModel(task, call))),
      },
      onChange: atMostEvery(200, () => emit('jobs.changed', {})),
      onIdle: () => {
        store.library.scrub()
        void copies.sweep(queue.copies())
      },
    })
    log.info('opened', { version: VERSION, readOnly: store.readOnly, count: store.library.packets.all().length })
    if (!store.readOnly) purgeConversations(store, Date.now())
    const closing = new AbortController()
    const startersReady =
      options.starters === false || store.readOnly
        ? Promise.resolve()
        : leases.during('starters', () => makeStarters(state, assetsFolder, { signal: closing.signal }))
    // Without starters the library is empty, which its first screen explains; the next start tries again.
    startersReady.catch(() => {})
    return {
      log,
      handlers: leasing(leases, {
        ...engineHandlers(state),
        ...libraryHandlers(state),
        ...collectionHandlers(state),
        ...packetHandlers(state),
        ...inspectHandlers(state),
        ...remixHandlers(state),
        ...answerHandlers(state),
        ...askHandlers(state),
        ...receiptHandlers(state),
        ...keyHandlers(state),
        ...modelHandlers(state, modelSettings),
        ...hubHandlers(state, fetchModel),
        ...jobHandlers(state, queue, copies),
        ...savingsHandlers(state),
        ...memoryHandlers(state),
        ...shareHandlers({ ...state, incoming, assetsFolder, hub }),
      }),
      state,
      startersReady,
      async dispose() {
        closing.abort()
        await startersReady.catch(() => {})
        await queue.close()
        await cold?.close()
        live.grammars.close()
        await models.unload()
        await live.unstored.close()
        await live.coldBudget.settle()
        await receipts.close()
        meter.close()
        await store.close()
        log.info('closed')
      },
    }
  } catch (thrown) {
    await store.close()
    throw thrown
  }
}

/** Runs a task within so many milliseconds after it is asked for, and once for all that asked meanwhile. */
function atMostEvery(milliseconds: number, task: () => void): () => void {
  let isWaiting = false
  return () => {
    if (isWaiting) return
    isWaiting = true
    setTimeout(() => {
      isWaiting = false
      task()
    }, milliseconds).unref()
  }
}

/** Every call keeps the runtimes it was given until it is over. */
function leasing(leases: RuntimeLeases, handlers: EngineHandlers): EngineHandlers {
  const wrapped = Object.entries(handlers).map(([name, handler]): [string, unknown] => [
    name,
    (input: never, context: never) => leases.during<unknown>(name, () => handler(input, context)),
  ])
  // The entries of all handlers, each with its own name: what came in.
  return Object.fromEntries(wrapped) as EngineHandlers
}

function parseDevice(name: string): DeviceChoice {
  if (name === 'cpu' || name === 'webgpu' || name === 'dml' || name === 'coreml' || name === 'cuda') return name
  throw new StatePackError('E_DEVICE', `There is no device "${name}".`, { device: name })
}
