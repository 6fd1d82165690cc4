import { StatePackError } from '../../../shared/domain/error.ts'
import { opened, type Where } from './opened.ts'
import type {
  Answer,
  AnswerOptions,
  CallOptions,
  CreatedState,
  GrownState,
  ListedState,
  Offers,
  Publication,
  Receipt,
  State,
  StateDetails,
  StatePack,
  UploadedState,
} from './statePack.ts'

export interface StatefulModelOptions extends Where {
  /** An installed model's id, such as `starter-mamba`. */
  readonly model: string
  /** The state it begins with and is reset to: a name or a hash. Without one it begins with nothing read. */
  readonly initialState?: string
}

/** A model with a current state, in the manner of Statecraft: what it generates goes on from there. */
export class StatefulModel {
  readonly #server: StatePack
  readonly #close: () => Promise<void>
  readonly #model: string
  readonly #initial: string | null
  #current: string | null

  private constructor(
    where: { server: StatePack; close: () => Promise<void> },
    { model, initial }: { model: string; initial: string | null },
  ) {
    this.#server = where.server
    this.#close = where.close
    this.#model = model
    this.#initial = initial
    this.#current = initial
  }

  /** Throws `E_NOT_FOUND` when there is no such initial state. */
  static async fromPretrained({ model, initialState, ...where }: StatefulModelOptions): Promise<StatefulModel> {
    const place = await opened(where)
    try {
      const initial = initialState === undefined ? null : (await place.server.state(initialState)).stateHash
      return new StatefulModel(place, { model, initial })
    } catch (thrown) {
      await place.close()
      throw thrown
    }
  }

  /** Hash of the current state; null while nothing has been read. */
  get currentState(): string | null {
    return this.#current
  }

  /** Reads a prompt and keeps its state under a name. The current state stays: `loadState` takes the new one. */
  buildState(
    {
      name,
      prompt,
      description,
      keywords,
    }: { name: string; prompt: string; description?: string; keywords?: readonly string[] },
    options?: CallOptions,
  ): Promise<CreatedState> {
    const input = { baseText: prompt, model: this.#model, name, description, keywords }
    return this.#server.createState(input, options)
  }

  /** Gives a state a name. */
  saveState(
    state: string,
    { name, keywords }: { name: string; keywords?: readonly string[] },
    options?: CallOptions,
  ): Promise<StateDetails> {
    return this.#server.saveState({ stateHash: state, name, keywords }, options)
  }

  saveCurrentState(
    label: { name: string; keywords?: readonly string[] },
    options?: CallOptions,
  ): Promise<StateDetails> {
    if (this.#current === null) throw new StatePackError('E_USAGE', 'There is no current state: nothing has been read.')
    return this.saveState(this.#current, label, options)
  }

  /** Goes on from a state: a name or a hash. */
  async loadState(state: string, options?: CallOptions): Promise<StateDetails> {
    const found = await this.#server.state(state, options)
    this.#current = found.stateHash
    return found
  }

  /** Reads a text into the current state. */
  async updateState(text: string, options?: CallOptions): Promise<CreatedState | GrownState> {
    if (this.#current === null) {
      const created = await this.#server.createState({ baseText: text, model: this.#model }, options)
      this.#current = created.stateHash
      return created
    }
    const grown = await this.#server.merge({ stateHash: this.#current, deltaText: text }, options)
    this.#current = grown.newStateHash
    return grown
  }

  /** Back to the state it began with. */
  resetState(): void {
    this.#current = this.#initial
  }

  /** The weighted mean of recurrent states; equal weights unless given. Refused for transformers, whose states merge. */
  combineStates(
    states: readonly string[],
    { weights, name }: { weights?: readonly number[]; name?: string } = {},
    options?: CallOptions,
  ): Promise<State & { readonly receipt: Receipt }> {
    if (weights !== undefined && weights.length !== states.length)
      throw new StatePackError('E_USAGE', `There are ${states.length} states and ${weights.length} weights.`)
    const weighted = states.map((stateHash, i) => ({ stateHash, weight: weights?.[i] ?? 1 / states.length }))
    return this.#server.combine({ states: weighted, name }, options)
  }

  /** Publishes a state, signed: whoever may get it can read its texts. */
  uploadState(state: string, publication: Publication, options?: CallOptions): Promise<UploadedState> {
    return this.#server.uploadState({ stateHash: state, ...publication }, options)
  }

  /**
   * The states that can be had, of all models: one's own by their names, and what others offer in the known catalogues (or in
   * one: `place`). `downloadState` of the server takes an offer.
   */
  async showAvailableStates(
    { query, limit, place }: { readonly query?: string; readonly limit?: number; readonly place?: string } = {},
    options?: CallOptions,
  ): Promise<Offers & { readonly own: readonly ListedState[] }> {
    const [{ states: own }, offers] = await Promise.all([
      this.#server.states({ query, limit }, options),
      this.#server.offers({ query, place }, options),
    ])
    return { own, ...offers }
  }

  /** Goes on from the current state with a prompt. With `keepOutput` the current state becomes that with prompt and answer. */
  async generate(
    prompt: string,
    { maxNewTokens, sampling, stop, keepOutput = false, ...options }: AnswerOptions = {},
  ): Promise<Answer> {
    if (this.#current === null)
      throw new StatePackError('E_USAGE', 'There is no current state: loadState or updateState first.')
    const asked = { stateHash: this.#current, deltaText: prompt, maxNewTokens, sampling, stop, keepOutput }
    const answer = await this.#server.infer(asked, options)
    if (keepOutput) this.#current = answer.newStateHash
    return answer
  }

  /** Closes the engine that was opened for this; a server that was given stays open. */
  close(): Promise<void> {
    return this.#close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
