import { Chain, type LoopStats } from './chain.ts'
import type { FoldPolicy } from './foldPolicy.ts'
import { opened, type Where } from './opened.ts'
import type { AnswerOptions, Seam, StatePack } from './statePack.ts'

export interface AgentLoopOptions extends Where {
  /** An installed model's id. */
  readonly model: string
  /** When the chain is folded into one state; default `never`. */
  readonly policy?: FoldPolicy
  readonly seam?: Seam
}

export interface RunOptions extends Pick<AnswerOptions, 'signal' | 'sampling'> {
  /** Tokens of each step's answer, which the state keeps; default 0: texts are appended and nothing is answered. */
  readonly maxNewTokens?: number
  readonly onStep?: (step: LoopStep) => void
}

export interface LoopStep {
  /** From 1. */
  readonly step: number
  readonly stateHash: string
  /** Empty where nothing is generated. */
  readonly output: string
  /** Tokens run through the model, the answer's among them. */
  readonly processed: number
  /** What reading everything again would have taken. */
  readonly naive: number
}

export interface LoopResult {
  readonly stateHash: string
  readonly steps: readonly LoopStep[]
  readonly stats: LoopStats
}

/** An agent's steps on one base: the base is read once, and each step what is new. */
export class AgentLoop {
  readonly #options: AgentLoopOptions

  constructor(options: AgentLoopOptions) {
    this.#options = options
  }

  /** Runs the steps one after the other. Without a `server` it opens an engine for the run. */
  async run(base: string, deltas: readonly string[], options: RunOptions = {}): Promise<LoopResult> {
    const { model, policy = 'never', seam, ...where } = this.#options
    const { signal, onStep } = options
    const { server, close } = await opened(where)
    try {
      const created = await server.createState({ baseText: base, model, seam }, { signal })
      const chain = new Chain(server, created, { policy, baseText: base })
      const steps: LoopStep[] = []
      let tokens = created.tokens
      for (const [index, delta] of deltas.entries()) {
        const { known, ...taken } = await this.#take(server, { stateHash: chain.stateHash, delta }, options)
        await chain.step({ ...taken, delta, newTokens: known - tokens }, { signal })
        tokens = known
        const step = { ...taken, step: index + 1, stateHash: chain.stateHash }
        steps.push(step)
        onStep?.(step)
      }
      return { stateHash: chain.stateHash, steps, stats: chain.stats() }
    } finally {
      await close()
    }
  }

  async #take(
    server: StatePack,
    { stateHash, delta: deltaText }: { stateHash: string; delta: string },
    { maxNewTokens = 0, sampling, signal }: RunOptions,
  ) {
    const { seam } = this.#options
    if (maxNewTokens === 0) {
      const merged = await server.merge({ stateHash, deltaText, seam }, { signal })
      const { newStateHash, tokens, tokensProcessed: processed } = merged
      return { stateHash: newStateHash, output: '', processed, naive: tokens, known: tokens }
    }
    const asked = { stateHash, deltaText, maxNewTokens, sampling, keepOutput: true, seam }
    const { newStateHash, output, tokens } = await server.infer(asked, { signal })
    return { stateHash: newStateHash, output, processed: tokens.processed, naive: tokens.naive, known: tokens.naive }
  }
}
