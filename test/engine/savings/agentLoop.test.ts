import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRuntime, type Runtime } from '#engine/inference/runtime.ts'
import type { Model } from '#engine/models/model.ts'
import { openModel } from '#engine/models/sources/openModel.ts'
import type { Tokenizer } from '#engine/models/tokenizer/tokenizer.ts'
import { type AgentLoopModel, runAgentLoop } from '#engine/savings/agentLoop.ts'
import { AGENT_LOOP, deltaText, type LoopTexts, SDK_LOOP } from '#engine/savings/loopTexts.ts'
import { countLoop, loopTokens } from '#engine/savings/loopTokens.ts'
import { openStateDisk } from '#engine/savings/stateDisk.ts'
import { openGpt2Tokenizer } from './gpt2/openGpt2Tokenizer.ts'

describe("State Pack's counts, with GPT-2's tokenizer", () => {
  let gpt2: Tokenizer
  beforeAll(async () => {
    gpt2 = await openGpt2Tokenizer()
  })

  it.each([
    ['command line, 40 steps', AGENT_LOOP, 40, 18_780, 878, '95.3248'],
    ['command line, 20 steps', AGENT_LOOP, 20, 5_190, 458, '91.1753'],
    ['SDK, 40 steps', SDK_LOOP, 40, 18_660, 875, '95.3108'],
    ['SDK, 20 steps', SDK_LOOP, 20, 5_130, 455, '91.1306'],
  ] as const)('%s', (_, texts: LoopTexts, steps, naive, state, percent) => {
    const counted = countLoop(loopTokens(gpt2, texts, steps))
    expect(counted).toEqual({ naive, state })
    expect((((naive - state) / naive) * 100).toFixed(4)).toBe(percent)
  })

  it('its base and delta lengths, its example delta, and the one token its counting loses', () => {
    expect(gpt2.encode(AGENT_LOOP.base).length).toBe(38)
    expect(gpt2.encode(SDK_LOOP.base).length).toBe(35)
    for (const i of [1, 9, 10, 40]) expect(gpt2.encode(deltaText(AGENT_LOOP, i)).length).toBe(21)
    expect([...gpt2.encode('The next issue is waiver, estoppel, and material breach.\n')]).toEqual([
      464, 1306, 2071, 318, 23804, 11, 1556, 10365, 417, 11, 290, 2587, 13694, 13, 198,
    ])
    expect(loopTokens(gpt2, AGENT_LOOP, 40).steps.at(-1)?.naive.length).toBe(879)
  })

  it('folding keeps the seams: the pieces add up to the whole text', () => {
    let seam: { tail: string; atStart: boolean } = gpt2.startRun()
    const tokens: number[] = []
    for (const text of [AGENT_LOOP.base, ...Array.from({ length: 40 }, (_, i) => deltaText(AGENT_LOOP, i + 1))]) {
      const folded = gpt2.fold(seam, text)
      tokens.push(...folded.tokens)
      seam = folded
    }
    tokens.push(...gpt2.flush({ ...seam }))
    expect(tokens).toEqual([...(loopTokens(gpt2, AGENT_LOOP, 40).steps.at(-1)?.naive ?? [])])
  })
})

describe.each(['starter-mamba', 'starter-transformer'])('the loop run on %s', name => {
  let model: Model
  let runtime: Runtime
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'loop-'))
    model = await openModel(join(import.meta.dirname, '../../../assets/models', name))
    runtime = await openRuntime(model, { device: 'cpu', threads: 1 })
  })
  afterAll(async () => {
    await runtime.dispose()
    await rm(folder, { recursive: true })
  })

  function loopModel(): AgentLoopModel & { tokenizer: Tokenizer } {
    if (model.tokenizer === null) throw new Error('a starter has a tokenizer')
    return {
      runtime,
      tokenizer: model.tokenizer,
      contextLength: model.contextLength,
      disk: openStateDisk(join(folder, String(Math.random()))),
    }
  }

  it("State Pack's way: the sessions run exactly what its counting says", async () => {
    const seen: number[] = []
    const loop = loopModel()
    const result = await runAgentLoop(loop, {
      texts: AGENT_LOOP,
      steps: 6,
      variant: 'state-pack',
      onStep: step => seen.push(step.step),
    })
    const counted = countLoop(loopTokens(loop.tokenizer, AGENT_LOOP, 6))
    expect(result.tokens).toMatchObject(counted)
    expect(seen).toEqual([1, 2, 3, 4, 5, 6])
    expect(result.steps.reduce((sum, s) => sum + s.naiveTokens, 0)).toBe(counted.naive)
    expect(result.steps.reduce((sum, s) => sum + s.stateSeconds, 0)).toBe(result.seconds.state)
    expect(result.sameOutput).toBeNull()
  })

  it.each([0, 5])(
    'honestly, with %i tokens of output: same tokens in both loops, the state from disk',
    async outputTokens => {
      const loop = loopModel()
      const steps = 5
      const result = await runAgentLoop(loop, { texts: AGENT_LOOP, steps, variant: 'honest', outputTokens })
      expect(result.sameOutput).toBe(outputTokens === 0 ? null : true)
      // The naive loop reads the whole text, exactly tokenised, and the answers kept in it.
      if (outputTokens === 0) {
        const whole = loopTokens(loop.tokenizer, AGENT_LOOP, steps).steps.map(s => s.naive.length)
        expect(result.steps.map(s => s.naiveTokens)).toEqual(whole)
      }
      // Both loops have read the same in the end: what one re-read is what the other had not to.
      const last = result.steps.at(-1)
      const kept = result.tokens.state
      if (outputTokens > 0) expect(last?.naiveTokens).toBe(kept)
      else expect(kept).toBeGreaterThanOrEqual(last?.naiveTokens ?? 0)
      for (const step of result.steps) {
        expect(step.bytesRead).toBeGreaterThan(0)
        expect(step.bytesWritten).toBeGreaterThan(0)
        expect(step.restoreSeconds).toBeLessThanOrEqual(step.stateSeconds)
      }
    },
  )

  it('can be cancelled between two steps', async () => {
    const controller = new AbortController()
    const run = runAgentLoop(loopModel(), {
      texts: AGENT_LOOP,
      steps: 30,
      variant: 'honest',
      signal: controller.signal,
      onStep: () => controller.abort(),
    })
    await expect(run).rejects.toThrow()
  })

  it('refuses a loop that does not fit before it starts', async () => {
    const loop = { ...loopModel(), contextLength: 100 }
    const started: number[] = []
    const run = async () =>
      runAgentLoop(loop, { texts: AGENT_LOOP, steps: 40, variant: 'state-pack', onStep: s => started.push(s.step) })
    await expect(run()).rejects.toMatchObject({ code: 'E_CONTEXT_LENGTH' })
    expect(started).toEqual([])
  })

  it('the control sees a state that is not the right one', async () => {
    const loop = loopModel()
    const other = await runtimeStateOf('An entirely different text that was read before.')
    const forged = { ...loop, disk: { ...loop.disk, read: async () => ({ snapshot: other, bytes: 1 }) } }
    const result = await runAgentLoop(forged, { texts: AGENT_LOOP, steps: 3, variant: 'honest', outputTokens: 8 })
    expect(result.sameOutput).toBe(false)
  })

  async function runtimeStateOf(text: string) {
    using session = runtime.newSession()
    await session.append(model.tokenizer?.encode(text) ?? [])
    return await session.capture()
  }
})
