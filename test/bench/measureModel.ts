/**
 * `measureModel.ts JSON`: one model on one device in a process of its own, so that its peak memory is its own. Prints JSON.
 * Restores go the way that `openState` goes for a question. Cold: the files are in the system's cache, nothing is in the pools, and buffers are
 * there in which nothing of it stands. Hot: the cartridge was opened before, so its layers are in the pool and its base stands in a session's buffers.
 */
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Provider } from '#engine/inference/device.ts'
import { generate } from '#engine/inference/generate.ts'
import { MemoryTier } from '#engine/inference/memoryTier.ts'
import { openRuntime } from '#engine/inference/runtime.ts'
import { createLiveState, DEFAULT_BUDGETS, type LiveState } from '#engine/live/liveState.ts'
import { Pool } from '#engine/live/pool.ts'
import type { Precision } from '#engine/models/model.ts'
import { openModel } from '#engine/models/sources/openModel.ts'
import { assembleAround, numbersOf } from '#engine/packets/assemble.ts'
import { defaultDtype } from '#engine/packets/defaultDtype.ts'
import { describePacket } from '#engine/packets/describePacket.ts'
import { type Face, readFace } from '#engine/packets/face.ts'
import { readLiveSnapshot } from '#engine/packets/liveSnapshot.ts'
import { tokensLeft } from '#engine/packets/measureLoss.ts'
import { assertFits } from '#engine/packets/openState.ts'
import { settledState } from '#engine/packets/settledState.ts'
import { StateEncoder } from '#engine/packets/stateEncoder.ts'
import { openStore } from '#engine/store/openStore.ts'
import { StagedBlobs } from '#engine/store/stagedBlobs.ts'
import { measureFloor } from './measureFloor.ts'
import { median } from './median.ts'
import { timed } from './timed.ts'

export interface MeasureOptions {
  readonly folder: string
  readonly device: Provider
  readonly tokens: number
  /** Tokens read after a restore. */
  readonly delta: number
  readonly runs: number
  readonly threads?: number
  /** Default float32. */
  readonly precision?: Precision
  /** Where converted weights are kept. */
  readonly convertedFolder?: string
  /** Also ONNX Runtime's own floor; on the processor, of models that have keys and values only. */
  readonly floor?: boolean
}

export interface MeasuredModel {
  readonly figures: Readonly<Record<string, number>>
  /** What came out, for a comparison to show that both sides ran the same weights on the same tokens. */
  readonly answer: {
    /** After the restored state and the delta, `[vocab]`. */
    readonly logits: readonly number[]
    /** Written greedily from there. */
    readonly ids: readonly number[]
  }
}

/** Tokens read one by one after the delta. */
const DECODED = 32
/** Tokens written greedily, which takes longer: each is chosen. */
const WRITTEN = 16

const options: MeasureOptions = JSON.parse(process.argv[2] ?? '{}')
const { folder, device, tokens, delta, runs, precision, convertedFolder } = options

const model = await openModel(folder, { precision, convertedFolder })
// Buffers as a runtime of the pool has them: with the product's budget, and only what is in memory below is worth keeping.
let live: LiveState | null = null
const tier = new MemoryTier('hot', {
  budget: DEFAULT_BUDGETS.hot,
  keepsBelow: piece => live?.hot.keepsBelow(piece) ?? false,
})
const runtime = await openRuntime(model, { device, threads: options.threads, tier })
const loaded = { model, runtime, entry: { id: model.name, folder, starter: false, offline: false } }
const scratch = await mkdtemp(join(tmpdir(), 'statepack-bench-model-'))
const store = await openStore(join(scratch, 'store'), { describe: describePacket })
try {
  const ids = Int32Array.from({ length: tokens }, (_, at) => (at * 7919 + 11) % model.vocabSize)
  const more = (count: number) => ids.subarray(0, count)
  const warm = runtime.newSession()
  await warm.append(more(Math.min(64, tokens)))
  warm.dispose()

  using read = runtime.newSession()
  const dtype = defaultDtype(model.kind)
  await using staged = new StagedBlobs(store.writer)
  await using encoder = new StateEncoder({
    ...{ dtype, keep: staged.add },
    forgetsTo: read.canSettle ? tokensLeft(tokens, dtype) : 0,
  })
  const [prefill, logits] = await timed(() => read.append(ids, { logits: 'last', sink: encoder }))
  const [capture, { cache, stored: encoded }] = await timed(() => encoder.end(read))
  const [settle, { state: stored }] = await timed(() => settledState(read, encoded, dtype))
  const contents = {
    ...{ model, tokens: ids, dtype, origin: { kind: 'tokens' as const }, tail: '', loss: null },
    segments: [{ kind: 'text' as const, start: 0, end: ids.length }],
    promptMeta: { spans: [], controlTokensInText: 0 },
    ...{ sources: [], recipe: { steps: [], systemPrompt: null, template: false }, card: '', parents: [] },
  }
  const [publish, { packetId, assembled }] = await timed(async () => {
    const assembled = assembleAround(contents, numbersOf(stored, { cache: await cache, logits }))
    const { packetId } = await store.publishPacket({ config: assembled.configBlob, layers: assembled.layers })
    return { packetId, assembled }
  })

  const asMany = new Uint8Array(assembled.cacheBytes).fill(1)
  const [diskFloor] = await timed(async () => {
    const file = await open(join(scratch, 'floor'), 'w')
    await file.write(asMany)
    await file.sync()
    await file.close()
  })

  const memory = () => {
    live = createLiveState(store, { budgets: DEFAULT_BUDGETS, onChange: () => {}, onGone: () => {} })
    return { store, live, blobs: live.unstored, faces: new Pool<Face>(live.warm) }
  }
  async function restore(context: ReturnType<typeof memory>) {
    const { packet } = (await readFace(context, packetId)).face
    await assertFits(context, packet, loaded)
    const { snapshot } = await readLiveSnapshot(context, packet)
    return runtime.restore(snapshot)
  }
  const times = { cold: [] as number[], coldDelta: [] as number[], hot: [] as number[], hotDelta: [] as number[] }
  const decoded: number[] = []
  let answer: MeasuredModel['answer'] = { logits: [], ids: [] }
  for (let run = 0; run < runs; run++) {
    const context = memory()
    for (const [restored, answered] of [
      [times.cold, times.coldDelta],
      [times.hot, times.hotDelta],
    ] as const) {
      const [before, session] = await timed(() => restore(context))
      const [reading, last] = await timed(() => session.append(more(delta), { logits: 'last' }))
      restored.push(before)
      answered.push(before + reading)
      if (run === 0 && restored === times.cold) {
        using fork = await session.fork()
        answer = { logits: [...last], ids: [...(await generate(fork, last, { maxNewTokens: WRITTEN })).ids] }
      }
      if (restored === times.hot) {
        const [steps] = await timed(async () => {
          for (let step = 0; step < DECODED; step++) await session.append(more(1), { logits: 'last' })
        })
        decoded.push(steps)
      }
      session.dispose()
    }
  }
  const peak = process.resourceUsage().maxRSS
  const floor = options.floor ? await measureFloor(model, { ...options, threads: runtime.environment.threads }) : null
  const measured: MeasuredModel = {
    figures: {
      'prefill tok/s': (tokens / prefill) * 1000,
      'capture ms': capture,
      'settle ms': settle,
      'write ms': publish,
      'disk floor ms': diskFloor,
      'cold restore ms': median(times.cold),
      'cold: restore + delta ms': median(times.coldDelta),
      'hot restore ms': median(times.hot),
      'hot: restore + delta ms': median(times.hotDelta),
      'decode step ms': median(decoded) / DECODED,
      'state MB': assembled.cacheBytes / 1e6,
      'peak memory MB': peak / 1024,
      ...(floor === null
        ? {}
        : { 'floor: prefill tok/s': floor.prefill, 'floor: delta ms': floor.delta, 'floor: step ms': floor.step }),
    },
    answer,
  }
  process.stdout.write(JSON.stringify(measured))
} finally {
  await store.close()
  await runtime.dispose()
  await rm(scratch, { recursive: true, force: true })
}
