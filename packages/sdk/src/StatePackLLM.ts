import { StatePackError } from '../../../shared/domain/error.ts'
import { Chain, type LoopStats } from './chain.ts'
import type { FoldPolicy } from './foldPolicy.ts'
import { opened, type Where } from './opened.ts'
import type { Answer, AnswerOptions, CallOptions, CreatedState, StatePack } from './statePack.ts'

export interface StatePackLLMOptions extends Where {
  /** Fold the chain into one state after so many calls. */
  readonly mergeEvery?: number
  /** When it is folded otherwise; default `never`. */
  readonly policy?: FoldPolicy
}

/** A model with a base text that is read once: each call reads its delta, and goes on from everything before it. */
export class StatePackLLM {
  readonly #server: StatePack
  readonly #close: () => Promise<void>
  readonly #model: string
  readonly #policy: FoldPolicy
  #chain: Chain | null = null

  private constructor(where: { server: StatePack; close: () => Promise<void> }, model: string, policy: FoldPolicy) {
    this.#server = where.server
    this.#close = where.close
    this.#model = model
    this.#policy = policy
  }

  /** `model`: an installed model's id, such as `starter-transformer`. */
  static async fromPretrained(
    model: string,
    { mergeEvery, policy = mergeEvery ?? 'never', ...where }: StatePackLLMOptions = {},
  ): Promise<StatePackLLM> {
    return new StatePackLLM(await opened(where), model, policy)
  }

  /** Reads the base, or finds that it has been read. Calls begin anew from here. */
  async setBase(text: string, options?: CallOptions): Promise<CreatedState> {
    const base = await this.#server.createState({ baseText: text, model: this.#model }, options)
    this.#chain = new Chain(this.#server, base, { policy: this.#policy, baseText: text })
    return base
  }

  /** Answers a delta; with `keepOutput` later calls know the answer, too. Throws `E_USAGE` before a base is set. */
  async call(
    delta: string,
    { maxNewTokens, sampling, stop, keepOutput, ...options }: AnswerOptions = {},
  ): Promise<Answer> {
    const chain = this.#withBase()
    const asked = { stateHash: chain.stateHash, deltaText: delta, maxNewTokens, sampling, stop, keepOutput }
    const answer = await this.#server.infer(asked, options)
    const { processed, naive, delta: newTokens } = answer.tokens
    await chain.step({ stateHash: answer.newStateHash, delta, processed, naive, newTokens }, options)
    return answer
  }

  /** The state that the next call goes on from. */
  get stateHash(): string {
    return this.#withBase().stateHash
  }

  /** What all calls since the base was set have taken, counted by the engine. */
  stats(): LoopStats {
    return this.#withBase().stats()
  }

  #withBase(): Chain {
    if (this.#chain === null) throw new StatePackError('E_USAGE', 'Set a base first: setBase(text).')
    return this.#chain
  }

  /** Closes the engine that was opened for this; a server that was given stays open. */
  close(): Promise<void> {
    return this.#close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
