/**
 * Eight agents with deltas of their own on one base: one after the other, and together through the scheduler. Then a
 * thousand agents on one base: what each further one costs in memory. Last, agents that come while a long text is read: how
 * many of its chunks each of their tokens waits for. `--shape NAME`, `--tokens N` (of the base),
 * `--delta N`, `--new N` (tokens each generates), `--runs N`, `--agents N`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { MemoryTier } from '#engine/inference/memoryTier.ts'
import { openRuntime } from '#engine/inference/runtime.ts'
import type { Session } from '#engine/inference/session.ts'
import type { KvBlock, StateSnapshot } from '#engine/inference/stateSnapshot.ts'
import { Scheduler } from '#engine/live/scheduler.ts'
import { runnableModel } from '../engine/inference/runnableModel.ts'
import { writeGeneratedCheckpoint } from '../model/generatedCheckpoint.ts'
import { row } from './benchEngine.ts'
import { median } from './median.ts'
import { MODEL_SHAPES, type ModelShape } from './modelShapes.ts'

const { values } = parseArgs({
  options: {
    shape: { type: 'string', default: 'gpt2-small' },
    tokens: { type: 'string', default: '256' },
    delta: { type: 'string', default: '16' },
    new: { type: 'string', default: '24' },
    runs: { type: 'string', default: '3' },
    agents: { type: 'string', default: '1000' },
  },
})
const [tokens, delta, wanted, runs, many] = [values.tokens, values.delta, values.new, values.runs, values.agents].map(
  Number,
) as [number, number, number, number, number]
const AGENTS = 8
if (!(values.shape in MODEL_SHAPES))
  throw new Error(`There is no shape ${values.shape}: ${Object.keys(MODEL_SHAPES).join(', ')}.`)
const folder = await mkdtemp(join(tmpdir(), 'statepack-bench-batch-'))
try {
  await writeGeneratedCheckpoint(folder, MODEL_SHAPES[values.shape as ModelShape]())
  const model = await runnableModel(folder)
  const hot = new MemoryTier('hot', { budget: 4 * 1024 ** 3 })
  using runtime = await openRuntime(model, { device: 'cpu', tier: hot })
  const ids = (seed: number, count: number) =>
    Int32Array.from({ length: count }, (_, i) => (seed * 7919 + i * 104_729) % model.vocabSize)
  const base = await read(runtime.newSession(), ids(0, tokens))
  const scheduler = new Scheduler(runtime, () => hot.budget)
  const options = { maxNewTokens: wanted, stopIds: [] }

  async function agent(number: number): Promise<void> {
    using session = await runtime.restore(base)
    const logits = await session.append(ids(number + 1, delta))
    await scheduler.generate(session, logits, options)
  }
  const all = Array.from({ length: AGENTS }, (_, number) => number)
  const secondsOf = async (task: () => Promise<unknown>) => {
    const began = performance.now()
    await task()
    return (performance.now() - began) / 1000
  }
  const alone: number[] = []
  const together: number[] = []
  for (let run = 0; run < runs; run++) {
    alone.push(
      await secondsOf(async () => {
        for (const number of all) await agent(number)
      }),
    )
    together.push(await secondsOf(() => Promise.all(all.map(agent))))
  }
  const written = AGENTS * wanted
  const [one, eight] = [median(alone), median(together)]
  console.log(
    `${values.shape}, ${AGENTS} agents on one base of ${tokens} tokens, each ${delta} read and ${wanted} written:`,
  )
  console.table([
    row({ how: 'one after the other', seconds: one, 'tokens written / s': written / one, ratio: 1 }),
    row({ how: 'together', seconds: eight, 'tokens written / s': written / eight, ratio: one / eight }),
  ])

  // What an agent keeps between its steps: references to the base's blocks, and what it has read itself.
  const states: StateSnapshot[] = []
  globalThis.gc?.()
  const before = process.memoryUsage().arrayBuffers
  for (let number = 0; number < many; number++)
    states.push(await read(await runtime.restore(base), ids(number + 1, delta)))
  globalThis.gc?.()
  hot.purge()
  const each = (process.memoryUsage().arrayBuffers - before) / many
  const shared = new Set(base.blocks)
  const last = states.at(-1) ?? base
  const own = bytesOf(
    last.blocks.filter(block => !shared.has(block)),
    last.recurrent,
  )
  console.log(`${many} agents on one base, kept at the same time:`)
  console.table([
    row({
      'whole state of one KiB': bytesOf(last.blocks, last.recurrent) / 1024,
      'its own blocks KiB': own / 1024,
      'memory of each further KiB': each / 1024,
      ratio: each / own,
    }),
  ])

  const joined = await joining()
  console.log(`${AGENTS} agents that come one after the other while a text of ${joined.read} tokens is read:`)
  console.table([
    row({
      'chunks of it': joined.chunkMs.length,
      'longest chunk ms': Math.max(...joined.chunkMs),
      'tokens they wrote': joined.waits.length,
      'chunks waited for, at most': Math.max(...joined.waits.map(({ chunks }) => chunks)),
      'longest wait ms': Math.max(...joined.waits.map(({ ms }) => ms)),
    }),
  ])

  /** What each token after an agent's first, which comes of the logits at hand, had to wait for. */
  async function joining() {
    using before = await runtime.restore(base)
    const logits = await before.append(ids(1, delta))
    const state = await before.capture()
    const long = ids(2, Math.min(1900, (model.contextLength ?? 2048) - 64))
    const chunkMs: number[] = []
    const waits: { chunks: number; ms: number }[] = []
    const agents: Promise<void>[] = []
    const write = async () => {
      using session = await runtime.restore(state)
      let seen = { chunks: chunkMs.length, at: performance.now() }
      await scheduler.generate(session, logits, {
        ...{ maxNewTokens: 4, stopIds: [] },
        onToken: ({ index }) => {
          const now = { chunks: chunkMs.length, at: performance.now() }
          if (index > 0) waits.push({ chunks: now.chunks - seen.chunks, ms: now.at - seen.at })
          seen = now
        },
      })
    }
    using reading = runtime.newSession()
    let last = performance.now()
    await reading.append(long, {
      logits: 'none',
      onProgress: () => {
        chunkMs.push(performance.now() - last)
        last = performance.now()
        if (agents.length < AGENTS) agents.push(setTimeout(chunkMs.length).then(write))
      },
    })
    await Promise.all(agents)
    return { read: long.length, chunkMs, waits }
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function read(session: Session, ids: Int32Array): Promise<StateSnapshot> {
  using reading = session
  await reading.append(ids, { logits: 'none' })
  return await reading.capture()
}

function bytesOf(blocks: readonly KvBlock[], recurrent: StateSnapshot['recurrent']): number {
  let bytes = 0
  for (const { layers, tokens } of blocks)
    for (const { kvHeads, headDim } of layers) bytes += 2 * kvHeads * tokens * headDim * Float32Array.BYTES_PER_ELEMENT
  for (const { conv, ssm } of recurrent) bytes += conv.byteLength + ssm.byteLength
  return bytes
}
