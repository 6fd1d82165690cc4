/**
 * What both ends of the SDK offer: an engine in this process (`openEngine`) and a server elsewhere (`connect`). A state
 * goes by its hash, is never changed, and gives the same answers wherever it is asked.
 */

/** What a state is kept in. `float32` is exact; the others are rounded and smaller. */
export type StateDtype = 'float32' | 'float16' | 'int8' | 'float8_e4m3'

export interface State {
  /** Send this to go on from the state: `sha256:…`. */
  readonly stateHash: string
  /** Of the stored bytes. */
  readonly packetId: string
  /** Of what was read: model, token ids, geometry. */
  readonly contextId: string
  /** Tokens that the state has read. */
  readonly tokens: number
  readonly bytes: number
  readonly model: string
  readonly dtype: StateDtype
}

/** A signed record of an operation, in the words in which it was signed. */
export interface Receipt {
  readonly receipt_id: string
  readonly op: string
  readonly ok: boolean
  readonly packet_id: string | null
  readonly tokens: {
    readonly base: number
    readonly delta: number
    readonly processed: number
    readonly saved: number
    readonly savings_percent: number
  } | null
  /** ISO 8601. */
  readonly at: string
  readonly seconds: number
}

export interface CreatedState extends State {
  /** The state was there already: nothing was read. */
  readonly cacheHit: boolean
  /** Tokens run through the model. */
  readonly tokensProcessed: number
  readonly receipt: Receipt
}

export interface StateDetails extends State {
  /** In the buffers of a model, in memory, or on disk. */
  readonly tier: 'hot' | 'warm' | 'cold'
  readonly names: readonly string[]
  /** ISO 8601. */
  readonly createdAt: string
}

export interface ListedState extends State {
  readonly name: string
  readonly tier: StateDetails['tier']
  readonly keywords: readonly string[]
  /** ISO 8601. */
  readonly createdAt: string
}

/** What a catalogue says of a state that can be had. Its word: the state is checked when it is downloaded. */
export interface OfferedState {
  /** The catalogue that lists it. */
  readonly place: string
  readonly name: string
  readonly title: string
  /** Markdown. */
  readonly card: string
  readonly kind: 'kv' | 'ssm' | 'hybrid'
  readonly model: string
  readonly packetId: string
  readonly tokens: number
  readonly bytes: number
  readonly publisher: { readonly name: string; readonly keyid: string }
  /** As SPDX has it. */
  readonly licence: string | null
  /** What it was asked, and what it answered. */
  readonly questions: readonly { readonly question: string; readonly answer: string }[]
  readonly from: string
  /** A stranger's list names `from`, so it leads to the internet only. */
  readonly link: boolean
  readonly modelInstalled: boolean
  readonly inLibrary: boolean
  /** An earlier one was taken from this entry. */
  readonly isUpdate: boolean
}

export interface Offers {
  readonly offers: readonly OfferedState[]
  /** Of publishers that are blocked here. */
  readonly hidden: number
  /** Catalogues that could not be looked into, and why. */
  readonly unreachable: readonly { readonly place: string; readonly code: string; readonly message: string }[]
}

/** How a state is published. */
export interface Publication {
  /** `ghcr.io/you/lease:v1` in a registry, `hf://you/lease` on the hub. */
  readonly to: string
  /** As SPDX has it: `CC-BY-4.0`. */
  readonly licence?: string
  /** Of a repository of the hub that is made for it. */
  readonly isPrivate?: boolean
  /** A catalogue of one's own that it is entered in, as `user/name`; made where there is none. */
  readonly catalogue?: { readonly place: string; readonly name: string }
  /** Hosts that may be sent the registry's login, besides those known to be its own. */
  readonly tokenHosts?: readonly string[]
}

export interface UploadedState {
  readonly packetId: string
  /** Names these bytes for ever: with the digest, or the commit. */
  readonly reference: string
  readonly bytes: number
  /** That travelled: what was there did not. */
  readonly bytesSent: number
  readonly receipt: Receipt
}

export interface DownloadedState extends State {
  /** `restricted`: it can be looked at, and neither run nor passed on until a person trusts it. */
  readonly trust: 'own' | 'starter' | 'trusted' | 'restricted'
  /** It was here already. */
  readonly cacheHit: boolean
  /** Names these bytes where they were offered; null for a file. */
  readonly reference: string | null
  readonly bytesFetched: number
  readonly receipt: Receipt
}

export interface GrownState {
  readonly newStateHash: string
  /** Tokens that the new state has read. */
  readonly tokens: number
  /** Tokens run through the model. */
  readonly tokensProcessed: number
  readonly receipt: Receipt
}

export interface CompactedState extends GrownState {
  readonly stepsFolded: number
}

/** The counts of one answer. */
export interface TokenCounts {
  readonly base: number
  readonly tail: number
  readonly delta: number
  readonly generated: number
  /** Run through the model by this call, counted at its session. */
  readonly processed: number
  /** What reading the whole context again would have taken. */
  readonly naive: number
  readonly saved: number
  readonly savedPercent: number
}

export interface Answer {
  /** The state after the delta (with `keepOutput`: and the answer). */
  readonly newStateHash: string
  readonly output: string
  readonly outputTokenIds: readonly number[]
  /** `context`: the model's context is full. */
  readonly finishReason: 'stop' | 'length' | 'context' | 'cancelled'
  readonly tokens: TokenCounts
  readonly savings: { readonly tokens: number; readonly percent: number }
  readonly seconds: number
  readonly receipt: Receipt
}

export interface Sampling {
  /** 0, the default: the most likely token. */
  readonly temperature?: number
  readonly topK?: number
  readonly topP?: number
  readonly repetitionPenalty?: number
  readonly seed?: number
}

/** `exact`, the default: the tokens of the whole text. `concat`: each text's own, as State Pack v0.1 counted. */
export type Seam = 'exact' | 'concat'

export interface CreateStateInput {
  readonly baseText?: string
  /** Instead: the state opens a conversation, through the model's chat template. */
  readonly messages?: readonly { readonly role: 'system'; readonly content: string }[]
  /** An installed model; default the one of the settings. */
  readonly model?: string
  /** Default `float32`. */
  readonly dtype?: StateDtype
  readonly name?: string
  /** What it is, for people. */
  readonly description?: string
  readonly keywords?: readonly string[]
  readonly seam?: Seam
}

export interface InferInput {
  /** A hash (with or without `sha256:`) or a name. */
  readonly stateHash: string
  readonly deltaText?: string
  /** Instead: what the user says next, through the model's chat template. */
  readonly messages?: readonly { readonly role: 'user'; readonly content: string }[]
  /** Default 32. */
  readonly maxNewTokens?: number
  readonly sampling?: Sampling
  /** Texts that end the answer. */
  readonly stop?: readonly string[]
  /** The new state has read the answer, too. */
  readonly keepOutput?: boolean
  readonly seam?: Seam
}

export interface CallOptions {
  readonly signal?: AbortSignal
}

/** How a delta is answered. */
export interface AnswerOptions
  extends CallOptions,
    Pick<InferInput, 'maxNewTokens' | 'sampling' | 'stop' | 'keepOutput'> {
  /** Told each piece of the answer as it comes. */
  readonly onPiece?: (piece: string) => void
}

export interface StatePack {
  /** Reads a text once and keeps the state. */
  createState(input: CreateStateInput, options?: CallOptions): Promise<CreatedState>
  /** Goes on from a state: reads the delta, answers it. With `onPiece` the answer comes piece by piece, too. */
  infer(input: InferInput, options?: Pick<AnswerOptions, 'signal' | 'onPiece'>): Promise<Answer>
  /** Appends a text to a state. */
  merge(
    input: { readonly stateHash: string; readonly deltaText: string; readonly seam?: Seam },
    options?: CallOptions,
  ): Promise<GrownState>
  /** Folds a chain of steps, or texts that have piled up since, into one state. */
  compact(
    input: { readonly stateHash: string; readonly accumulatedDeltas?: readonly string[] },
    options?: CallOptions,
  ): Promise<CompactedState>
  /** The weighted mean of recurrent states of one model; weights add up to 1. */
  combine(
    input: {
      readonly states: readonly { readonly stateHash: string; readonly weight: number }[]
      readonly name?: string
    },
    options?: CallOptions,
  ): Promise<State & { readonly receipt: Receipt }>
  /** Gives a stored state a name that it is shown by (it keeps the others), and keywords. */
  saveState(
    input: { readonly stateHash: string; readonly name?: string; readonly keywords?: readonly string[] },
    options?: CallOptions,
  ): Promise<StateDetails>
  /** What a state is and where it is. */
  state(stateHash: string, options?: CallOptions): Promise<StateDetails>
  /** The named states that a search finds, the last used first. */
  states(
    search?: { readonly query?: string; readonly offset?: number; readonly limit?: number },
    options?: CallOptions,
  ): Promise<{ readonly states: readonly ListedState[]; readonly total: number }>
  /** What others offer: the entries of the known catalogues, or of one (`place`; `hub` asks the hub itself). */
  offers(search?: { readonly query?: string; readonly place?: string }, options?: CallOptions): Promise<Offers>
  /** Looks into a catalogue from now on: its offers are among those of {@link offers}. Its key is remembered. */
  addCatalogue(place: string, options?: CallOptions): Promise<{ readonly place: string; readonly title: string }>
  /** The tags of a repository in a registry. */
  tags(repository: string, options?: CallOptions): Promise<readonly string[]>
  /** Publishes a stored state, signed. Whoever may get it can read its texts. */
  uploadState(input: Publication & { readonly stateHash: string }, options?: CallOptions): Promise<UploadedState>
  /** Takes in an offer, or what a place has. It is restricted until a person trusts it, or trusts who signed it. */
  downloadState(
    input:
      | OfferedState
      | {
          readonly from: string
          readonly packetId?: string
          readonly name?: string
          readonly tokenHosts?: readonly string[]
        },
    options?: CallOptions,
  ): Promise<DownloadedState>
  /**
   * Any route of the HTTP API by its path, in the API's own words: `request('/v1/models')`. With `onEvent` a route that
   * streams does; then it resolves with nothing.
   */
  request(path: string, body?: object, options?: RequestOptions): Promise<unknown>
  /** Lets go of the engine, or of the server. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface RequestOptions extends CallOptions {
  readonly onEvent?: (event: { readonly event?: string; readonly data: unknown }) => void
}
