/** Runs the same work on cpu and webgpu and prints what came out: `node webgpuChild.ts MODEL`. */
import { writeSync } from 'node:fs'
import { compareLogits, compareStates } from '#engine/inference/compareStates.ts'
import { generate } from '#engine/inference/generate.ts'
import { openRuntime, type Runtime } from '#engine/inference/runtime.ts'
import type { StateSnapshot } from '#engine/inference/stateSnapshot.ts'
import { openModel } from '#engine/models/sources/openModel.ts'
import { seeded } from './seeded.ts'

export interface WebgpuReport {
  readonly provider: string
  readonly chunkTokens: number
  readonly greedy: { cpu: number[]; webgpu: number[] }
  /** Largest absolute differences between the devices. */
  readonly logits: number
  readonly state: number
  /** Greedy ids after capturing on one device and restoring on the other. */
  readonly moved: { toWebgpu: number[]; toCpu: number[] }
  /** On webgpu: a restored state against the one that went on, and a fork against its origin. */
  readonly restored: number
  readonly forked: number
  readonly position: number
}

const PROMPT = 26
const GREEDY = 4

async function read(runtime: Runtime, tokens: Int32Array) {
  using session = runtime.newSession()
  const first = await session.append(tokens.subarray(0, PROMPT - 6), { logits: 'none' })
  const logits = first.length > 0 ? first : await session.append(tokens.subarray(PROMPT - 6))
  const state = await session.capture()
  using fork = await session.fork()
  const { ids, logits: after } = await generate(session, logits, { maxNewTokens: GREEDY, keepOutput: true })
  const again = await generate(fork, logits, { maxNewTokens: GREEDY, keepOutput: true })
  return { logits, state, ids: [...ids], after, forked: again.logits, position: session.position }
}

async function continueFrom(runtime: Runtime, state: StateSnapshot, logits: Float32Array) {
  using session = await runtime.restore(state)
  return await generate(session, logits, { maxNewTokens: GREEDY, keepOutput: true })
}

const folder = process.argv[2]
if (folder !== undefined) {
  const model = await openModel(folder)
  const cpu = await openRuntime(model, { device: 'cpu', threads: 2 })
  const webgpu = await openRuntime(model, { device: 'webgpu', threads: 2 })
  const tokens = seeded(29).tokens(PROMPT, model.vocabSize)
  const [a, b] = [await read(cpu, tokens), await read(webgpu, tokens)]
  const again = await continueFrom(webgpu, b.state, b.logits)
  const report: WebgpuReport = {
    provider: webgpu.environment.provider,
    chunkTokens: webgpu.chunkTokens,
    greedy: { cpu: a.ids, webgpu: b.ids },
    logits: Math.max(compareLogits(a.logits, b.logits).maxAbsDiff, compareLogits(a.after, b.after).maxAbsDiff),
    state: Math.max(...compareStates(a.state, b.state).map(({ maxAbsDiff, maxAbs }) => maxAbsDiff / maxAbs)),
    moved: {
      toWebgpu: [...(await continueFrom(webgpu, a.state, a.logits)).ids],
      toCpu: [...(await continueFrom(cpu, b.state, b.logits)).ids],
    },
    restored: compareLogits(b.after, again.logits).maxAbsDiff,
    forked: compareLogits(b.after, b.forked).maxAbsDiff,
    position: b.position,
  }
  await cpu.dispose()
  await webgpu.dispose()
  writeSync(1, JSON.stringify(report))
}
