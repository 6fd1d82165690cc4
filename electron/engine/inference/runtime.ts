import './noTelemetry.ts'
import { env, InferenceSession, type Tensor } from 'onnxruntime-node'
import type { Model } from '#engine/models/model.ts'
import { StatePackError, toStatePackError } from '#shared/domain/error.ts'
import { checkSnapshot } from './checkSnapshot.ts'
import { probeChunkTokens } from './chunkProbe.ts'
import { DecodeBatch } from './decodeBatch.ts'
import { candidateDevices, type Device, type DeviceChoice, defaultThreads, type Provider } from './device.ts'
import { createDownload } from './download.ts'
import { probeExport } from './exportProbe.ts'
import { HotBuffers } from './hotBuffers.ts'
import { runInPlace, withMarker } from './inPlaceRun.ts'
import { KvCache } from './kvCache.ts'
import { kvLayersOf, ssmLayersOf } from './layers.ts'
import { MemoryTier } from './memoryTier.ts'
import { RecurrentState } from './recurrentState.ts'
import { createRunQueue } from './runQueue.ts'
import { Session } from './session.ts'
import { CHUNK_TOKENS, type SessionHost, type SessionState } from './sessionHost.ts'
import type { StateSnapshot } from './stateSnapshot.ts'

/** Buffers that a runtime keeps where no tier is given. */
const ALONE_BYTES = 128 * 1024 * 1024

/**
 * How long threads spin for their next piece of work. Between two operators that is soon; unless told, they do it for up to 50 ms
 * after each run too, and take a core from what a state is taken out, hashed and written by.
 */
const SPIN_MICROSECONDS = '1000'

/** What of a model a runtime needs. */
export type RunnableModel = Pick<Model, 'name' | 'kind' | 'vocabSize' | 'contextLength' | 'geometry' | 'graph'>

export interface RuntimeOptions {
  readonly device?: DeviceChoice
  /** Threads of the processor provider; part of the environment, since it can change the last bits. */
  readonly threads?: number
  /** Where the buffers of its sessions are counted; 128 MiB of its own unless given. */
  readonly tier?: MemoryTier
  /** For weights that have to be laid out first, once. */
  readonly signal?: AbortSignal
  readonly onPrepare?: (progress: { done: number; total: number }) => void
}

/** Equal environments give equal bits. */
export interface Environment {
  readonly provider: Provider
  readonly runtimeVersion: string
  readonly threads: number
}

/** A model loaded on a device. Owns native memory: dispose it. Sessions of one runtime take turns run by run. */
export interface Runtime extends Disposable {
  readonly environment: Environment
  readonly device: Device
  /** Tokens a run takes at most; 128, fewer where a device computes long chunks wrongly. */
  readonly chunkTokens: number
  readonly model: RunnableModel
  /** An empty context. */
  newSession(): Session
  /** A context that continues from a state; runs no tokens. Throws `E_COMPONENT_MISMATCH` for another model's state. */
  restore(snapshot: StateSnapshot): Promise<Session>
  /** For sessions that generate together; null where the device or an ONNX export takes one context at a time. */
  newBatch(): DecodeBatch | null
  /**
   * Runs a task when it is a step's turn (see {@link Turn}), and nothing else meanwhile: whoever takes part can be decided at that moment. What
   * it runs is said to be `inTurn`; anything else that it waited for would wait for itself.
   */
  turn<T>(step: 'step' | 'first step', task: () => Promise<T>): Promise<T>
  /** Waits for the run under way and frees the model. */
  dispose(): Promise<void>
}

/**
 * Loads a compiled model on the device asked for. Throws `E_DEVICE` when a named device cannot be had, `E_MODEL_WEIGHTS`
 * when ONNX Runtime refuses the graph or its weights, `E_NOT_SUPPORTED` for an export whose state does not carry on.
 */
export async function openRuntime(model: RunnableModel, options: RuntimeOptions = {}): Promise<Runtime> {
  const { signal, onPrepare: onProgress } = options
  const externalFolder = await model.graph.prepare?.({ signal, onProgress })
  const graph = externalFolder === undefined ? model.graph : { ...model.graph, externalFolder }
  return openOnFirst(candidateDevices(options.device), { ...model, graph }, options)
}

/** The same on the first of these devices that loads the model and, asked a few tokens where that is needed, answers. */
export async function openOnFirst(
  devices: readonly Device[],
  model: RunnableModel,
  options: Pick<RuntimeOptions, 'threads' | 'tier'> = {},
): Promise<Runtime> {
  const { threads = defaultThreads(), tier = new MemoryTier('hot', { budget: ALONE_BYTES }) } = options
  const { session, device } = await load(model, devices, threads)
  const onHost = device.provider === 'cpu'
  const enqueue = createRunQueue()
  const download = createDownload(device.provider, enqueue)
  const kvLayers = kvLayersOf(model.geometry)
  const ssmLayers = ssmLayersOf(model.geometry)
  const hot = new HotBuffers(kvLayers, { tier, label: model.name, onHost })
  const batches: DecodeBatch[] = []
  let disposed = false

  const hostWith = (chunkTokens: number): SessionHost => ({
    vocabSize: model.vocabSize,
    contextLength: model.contextLength,
    kind: model.kind,
    onHost,
    padsRuns: onHost && model.graph.onHost === undefined && chunkTokens > 1,
    chunkTokens,
    run: (feeds, outputs, { signal, reads = 1, inTurn = false } = {}) => {
      const run = async () => {
        if (disposed) throw new StatePackError('E_CONFLICT', 'This model has been unloaded.')
        if (signal?.aborted) throw new StatePackError('E_CANCELLED', 'Cancelled.')
        if (!onHost) return runOnDevice(session, feeds, { names: Object.keys(outputs), provider: device.provider })
        await runInPlace(session, feeds, outputs)
        return null
      }
      return inTurn ? run() : enqueue(run, reads > 1 ? { tokens: reads } : 'step')
    },
    stateOf,
  })

  function stateOf({ blocks, recurrent, position, label }: StateSnapshot): SessionState {
    return {
      kv: kvLayers.length === 0 ? null : new KvCache(kvLayers, { download: download.toHost, hot, label }, blocks),
      recurrent: ssmLayers.length === 0 ? null : new RecurrentState(ssmLayers, download.toHost, recurrent),
      position,
    }
  }

  const open = (snapshot: StateSnapshot, sessionHost = host) => new Session(sessionHost, stateOf(snapshot))

  const empty: StateSnapshot = { kind: model.kind, position: 0, blocks: [], recurrent: [] }
  const needsProbe = device.provider === 'webgpu' && kvLayers.length > 0
  const opener = (chunk: number) => open(empty, hostWith(chunk))
  async function probe(): Promise<number> {
    const safeTokens = needsProbe ? await probeChunkTokens(opener, CHUNK_TOKENS) : CHUNK_TOKENS
    return model.graph.isExport ? probeExport(opener, safeTokens) : safeTokens
  }
  const probed = await probe().catch((error: unknown) => toStatePackError(error))
  if (typeof probed !== 'number') {
    await dispose()
    const others = devices.slice(devices.findIndex(({ provider }) => provider === device.provider) + 1)
    if (probed.code !== 'E_DEVICE' || others.length === 0) throw probed
    const rest = others.map(({ provider, reason }) => ({ provider, reason: `${reason}: ${probed.message}` }))
    return openOnFirst(rest, model, { threads, tier })
  }
  const chunkTokens = probed
  const host = hostWith(chunkTokens)

  async function dispose(): Promise<void> {
    if (disposed) return
    disposed = true
    hot.close()
    for (const batch of batches) batch.close()
    await enqueue(async () => {
      await download.dispose()
      await session.release()
    })
  }

  return {
    environment: { provider: device.provider, runtimeVersion: env.versions.node ?? env.versions.common, threads },
    device,
    chunkTokens,
    model,
    newSession: () => open(empty),
    restore: async snapshot => {
      checkSnapshot(snapshot, model)
      return open(snapshot)
    },
    newBatch: () => {
      if (!onHost || model.graph.isExport) return null
      const batch = new DecodeBatch(host, { kv: kvLayers, ssm: ssmLayers }, { tier, label: model.name })
      batches.push(batch)
      return batch
    },
    turn: (step, task) => enqueue(task, step),
    dispose,
    [Symbol.dispose]: () => void dispose(),
  }
}

async function load(
  model: RunnableModel,
  devices: readonly Device[],
  threads: number,
): Promise<{ session: InferenceSession; device: Device }> {
  let refusal: unknown = null
  for (const [index, device] of devices.entries()) {
    try {
      const session = await create(model, device.provider, threads)
      const reason = index === 0 ? device.reason : `${device.reason}: ${messageOf(refusal)}`
      return { session, device: { provider: device.provider, reason } }
    } catch (error) {
      refusal = error
    }
  }
  const provider = devices.at(-1)?.provider ?? 'cpu'
  throw new StatePackError(
    provider === 'cpu' ? 'E_MODEL_WEIGHTS' : 'E_DEVICE',
    `${model.name} could not be loaded on ${provider}: ${messageOf(refusal)}`,
    { model: model.name, device: provider },
    refusal,
  )
}

function create(model: RunnableModel, provider: Provider, threads: number): Promise<InferenceSession> {
  const { bytes, onHost, externalFolder, outputs } = model.graph
  const onDevice = outputs
    .filter(output => output.name !== 'logits')
    .map(output => [output.name, 'gpu-buffer'] as const)
  return InferenceSession.create(
    provider === 'cpu' ? withMarker(onHost?.() ?? bytes, { name: 'num_logits', type: 'int64' }) : bytes,
    {
      executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
      ...(provider === 'webgpu' ? { preferredOutputLocation: Object.fromEntries(onDevice) } : {}),
      extra: {
        session: {
          model_external_initializers_file_folder_path: externalFolder,
          intra_op: { spin_duration_us: SPIN_MICROSECONDS },
        },
      },
    },
  )
}

async function runOnDevice(
  session: InferenceSession,
  feeds: Record<string, Tensor>,
  { names, provider }: { names: readonly string[]; provider: Provider },
): Promise<InferenceSession.ReturnType> {
  try {
    return await session.run(feeds, names)
  } catch (error) {
    throw new StatePackError(
      'E_DEVICE',
      `The device ${provider} failed: ${messageOf(error)}`,
      { device: provider },
      error,
    )
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
