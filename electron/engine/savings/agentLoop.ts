/**
 * The agent-loop benchmark, really run on a model: one loop that reads everything again at each step, one that keeps the
 * state. `state-pack` runs it the way State Pack measures; `honest` the way it would be used.
 *
 *             state-pack                                   honest
 * tokens      each piece tokenised alone                   exactly those of the whole text
 * base        read before the clock starts                 on the clock, with writing the state
 * state       stays in memory                              written to disk and read back at each step
 * output      none                                         generated and kept, the same in both loops
 */
import { performance } from 'node:perf_hooks'
import { StatePackError } from '#shared/domain/error.ts'
import { savedPercent } from '#shared/domain/savings.ts'
import { generate } from '../inference/generate.ts'
import type { Runtime } from '../inference/runtime.ts'
import type { Session } from '../inference/session.ts'
import type { SeamState, Tokenizer } from '../models/tokenizer/tokenizer.ts'
import { deltaText, type LoopTexts } from './loopTexts.ts'
import { countLoop, loopTokens } from './loopTokens.ts'
import type { StateDisk } from './stateDisk.ts'

export interface AgentLoopModel {
  readonly runtime: Pick<Runtime, 'newSession' | 'restore'>
  readonly tokenizer: Pick<Tokenizer, 'encode' | 'startRun' | 'fold' | 'flush'>
  /** Tokens the model can read; null when it has no limit. */
  readonly contextLength: number | null
  /** Where the honest run keeps its state between steps. */
  readonly disk: StateDisk
}

export type LoopVariant = 'state-pack' | 'honest'

export interface AgentLoopOptions {
  readonly texts: LoopTexts
  readonly steps: number
  readonly variant: LoopVariant
  /** Tokens generated at each step of the honest run; 8 when not given. */
  readonly outputTokens?: number
  readonly signal?: AbortSignal
  /** Called after each step, while the benchmark runs. */
  readonly onStep?: (step: LoopStep) => void
}

/** Tokens are what the sessions counted, seconds what the clock said, both of this step alone. */
export interface LoopStep {
  readonly step: number
  readonly naiveTokens: number
  /** The first step's include the base. */
  readonly stateTokens: number
  readonly naiveSeconds: number
  readonly stateSeconds: number
  /** Seconds of `stateSeconds` for bringing the state back; 0 while it stays in memory. */
  readonly restoreSeconds: number
  readonly bytesRead: number
  readonly bytesWritten: number
}

export interface AgentLoopResult {
  readonly variant: LoopVariant
  readonly steps: readonly LoopStep[]
  readonly tokens: { readonly naive: number; readonly state: number; readonly savedPercent: number }
  readonly seconds: { readonly naive: number; readonly state: number; readonly speedup: number }
  /** Reading the base; on the clock in the honest run only. */
  readonly base: { readonly tokens: number; readonly seconds: number }
  /** Whether both loops generated the same tokens; null when nothing was generated. */
  readonly sameOutput: boolean | null
}

/** Runs the benchmark. Throws `E_CONTEXT_LENGTH` before it starts when the loop does not fit, `E_CANCELLED`, `E_INFERENCE`. */
export function runAgentLoop(model: AgentLoopModel, options: AgentLoopOptions): Promise<AgentLoopResult> {
  const texts = loopTokens(model.tokenizer, options.texts, options.steps)
  const output = options.variant === 'honest' ? options.steps * (options.outputTokens ?? 8) : 0
  const most = Math.max(countLoop(texts).state, texts.steps.at(-1)?.naive.length ?? 0) + output
  if (model.contextLength !== null && most > model.contextLength) {
    throw new StatePackError(
      'E_CONTEXT_LENGTH',
      `A loop of ${options.steps} steps comes to ${most} tokens; this model reads at most ${model.contextLength}.`,
      { tokens: most, contextLength: model.contextLength },
    )
  }
  return options.variant === 'honest' ? honestRun(model, options) : statePackRun(model, options)
}

async function statePackRun(model: AgentLoopModel, options: AgentLoopOptions): Promise<AgentLoopResult> {
  const { signal } = options
  const tokens = loopTokens(model.tokenizer, options.texts, options.steps)
  using kept = model.runtime.newSession()
  const baseSeconds = await timed(() => kept.append(tokens.base, { logits: 'none', signal }))
  const steps: LoopStep[] = []
  for (const [i, { naive, delta }] of tokens.steps.entries()) {
    using fresh = model.runtime.newSession()
    const naiveSeconds = await timed(() => fresh.append(naive, { logits: 'last', signal }))
    const before = i === 0 ? 0 : kept.processed
    const stateSeconds = await timed(() => kept.append(delta, { logits: 'last', signal }))
    const counted = { naiveTokens: fresh.processed, stateTokens: kept.processed - before }
    report(
      steps,
      { step: i + 1, ...counted, naiveSeconds, stateSeconds, restoreSeconds: 0, bytesRead: 0, bytesWritten: 0 },
      options,
    )
  }
  return resultOf('state-pack', { steps, base: { tokens: tokens.base.length, seconds: baseSeconds }, sameOutput: null })
}

async function honestRun(model: AgentLoopModel, options: AgentLoopOptions): Promise<AgentLoopResult> {
  const { runtime, tokenizer, disk } = model
  const { texts, signal, outputTokens = 8 } = options
  const start = tokenizer.fold(tokenizer.startRun(), texts.base)
  let bytesWritten = 0
  let baseTokens = 0
  const baseSeconds = await timed(async () => {
    using session = runtime.newSession()
    if (start.tokens.length > 0) await session.append(start.tokens, { logits: 'none', signal })
    bytesWritten = await disk.write(await session.capture())
    baseTokens = session.processed
  })
  // What the stored state has read. Both loops see these tokens and then the same new ones.
  const read: number[] = [...start.tokens]
  let seam: SeamState = start
  const steps: LoopStep[] = []
  let sameOutput: boolean | null = null
  for (let step = 1; step <= options.steps; step++) {
    const folded = tokenizer.fold(seam, deltaText(texts, step))
    const tail = tokenizer.flush(folded)

    using fresh = runtime.newSession()
    let naiveAnswer: readonly number[] = []
    const naiveSeconds = await timed(async () => {
      const logits = await fresh.append([...read, ...folded.tokens, ...tail], { logits: 'last', signal })
      naiveAnswer = await answer(fresh, { logits, outputTokens, signal })
    })

    let stateAnswer: readonly number[] = []
    let restoreSeconds = 0
    let bytesRead = 0
    let stateTokens = step === 1 ? baseTokens : 0
    const stateSeconds = await timed(async () => {
      const began = performance.now()
      const stored = await disk.read()
      using session = await runtime.restore(stored.snapshot)
      restoreSeconds = (performance.now() - began) / 1000
      bytesRead = stored.bytes
      let logits = await session.append(folded.tokens, { logits: 'last', signal })
      // Without an answer the text goes on, and its last letters may belong to a token that is not complete yet.
      if (outputTokens === 0) bytesWritten += await disk.write(await session.capture())
      if (tail.length > 0) logits = await session.append(tail, { logits: 'last', signal })
      stateAnswer = await answer(session, { logits, outputTokens, signal })
      if (outputTokens > 0) bytesWritten += await disk.write(await session.capture())
      stateTokens += session.processed
    })

    for (const token of folded.tokens) read.push(token)
    seam = folded
    if (outputTokens > 0) {
      sameOutput = (sameOutput ?? true) && naiveAnswer.join() === stateAnswer.join()
      read.push(...tail, ...stateAnswer)
      seam = tokenizer.startRun(false)
    }
    const seconds = { naiveSeconds, stateSeconds: stateSeconds + (step === 1 ? baseSeconds : 0), restoreSeconds }
    report(steps, { step, naiveTokens: fresh.processed, stateTokens, ...seconds, bytesRead, bytesWritten }, options)
    bytesWritten = 0
  }
  return resultOf('honest', { steps, base: { tokens: baseTokens, seconds: baseSeconds }, sameOutput })
}

/** Greedy tokens, as many as asked for, all of them read into the session's state. */
async function answer(
  session: Session,
  { logits, outputTokens, signal }: { logits: Float32Array; outputTokens: number; signal?: AbortSignal },
): Promise<readonly number[]> {
  if (outputTokens === 0) return []
  const { ids } = await generate(session, logits, { maxNewTokens: outputTokens, keepOutput: true, signal })
  signal?.throwIfAborted()
  return [...ids]
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1000
}

function report(steps: LoopStep[], step: LoopStep, { onStep }: AgentLoopOptions): void {
  steps.push(step)
  onStep?.(step)
}

function resultOf(variant: LoopVariant, rest: Pick<AgentLoopResult, 'steps' | 'base' | 'sameOutput'>): AgentLoopResult {
  const sum = (field: 'naiveTokens' | 'stateTokens' | 'naiveSeconds' | 'stateSeconds') =>
    rest.steps.reduce((total, step) => total + step[field], 0)
  const tokens = { naive: sum('naiveTokens'), state: sum('stateTokens') }
  const seconds = { naive: sum('naiveSeconds'), state: sum('stateSeconds') }
  return {
    variant,
    ...rest,
    tokens: { ...tokens, savedPercent: savedPercent(tokens.naive, tokens.state) },
    seconds: { ...seconds, speedup: seconds.state === 0 ? 0 : seconds.naive / seconds.state },
  }
}
