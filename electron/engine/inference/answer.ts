import { StatePackError } from '#shared/domain/error.ts'
import type { FinishReason, GenerateOptions, Generation } from './generate.ts'
import { type TokenTrace, traceToken } from './logits.ts'
import { createSampler, type Sampler } from './sampling.ts'

/** An answer as it grows token by token; knows when it ends, not where the logits come from. */
export class Answer {
  readonly ids: number[] = []
  readonly #options: GenerateOptions
  readonly #sample: Sampler
  readonly #seen: Set<number>
  readonly #traces: TokenTrace[] = []
  #finishReason: FinishReason | null = null
  #stopId: number | null = null

  /** Throws `E_BAD_INPUT` for settings that mean nothing. */
  constructor(options: GenerateOptions, vocabSize: number) {
    const { maxNewTokens, history = [], stopIds = [], sampling } = options
    if (!Number.isInteger(maxNewTokens) || maxNewTokens < 0) {
      throw new StatePackError('E_BAD_INPUT', `The number of tokens to generate must be a count, not ${maxNewTokens}.`)
    }
    if (stopIds.some(id => !Number.isInteger(id) || id < 0 || id >= vocabSize)) {
      throw new StatePackError('E_BAD_INPUT', 'A stop id is no token of this model.')
    }
    this.#options = options
    this.#sample = createSampler(sampling)
    // A long context is many.
    this.#seen = new Set((sampling?.repetitionPenalty ?? 1) === 1 ? [] : Array.from(history))
  }

  get finished(): boolean {
    return this.#finishReason !== null
  }

  /** Takes the next token from the logits before it. True when another is wanted, so that this one must be fed. */
  take(row: Float32Array): boolean {
    const { maxNewTokens, stopIds = [], traceTopK = 0, signal, onToken, constraint } = this.#options
    if (this.finished) return false
    if (signal?.aborted) return this.finish('cancelled')
    if (this.ids.length >= maxNewTokens) return this.finish('length')
    const allowed = constraint === undefined ? row : constraint.allowed(row)
    if (allowed === null) return this.finish('stop')
    const id = this.#sample(allowed, this.#seen)
    const trace = traceTopK > 0 ? traceToken(row, id, traceTopK) : null
    if (trace !== null) this.#traces.push(trace)
    if (stopIds.includes(id)) {
      this.#stopId = id
      return this.finish('stop')
    }
    this.ids.push(id)
    this.#seen.add(id)
    constraint?.take(id)
    if (onToken?.({ id, index: this.ids.length - 1, trace }) === 'stop') return this.finish('stop')
    if (signal?.aborted) return this.finish('cancelled')
    return this.ids.length < maxNewTokens || this.finish('length')
  }

  /** Ends the answer; always false, which is what {@link take} then returns. */
  finish(reason: FinishReason): false {
    this.#finishReason ??= reason
    return false
  }

  /** `fed` of the ids have been read, `logits` came after the last of those. */
  generation(fed: number, logits: Float32Array): Generation {
    return {
      ids: Int32Array.from(this.ids),
      finishReason: this.#finishReason ?? 'length',
      stopId: this.#stopId,
      fed,
      logits,
      traces: this.#traces,
    }
  }
}
