import type { InferenceSession, Tensor } from 'onnxruntime-node'
import type { KvCache } from './kvCache.ts'
import type { RecurrentState } from './recurrentState.ts'
import type { StateSnapshot } from './stateSnapshot.ts'

/** Most tokens in one run: the granularity of cancel, of progress and of taking turns. */
export const CHUNK_TOKENS = 128

export interface RunOptions {
  readonly signal?: AbortSignal | undefined
  /** Tokens that it reads; one, unless said, is a step of whoever generates, who does not wait for more than one piece of a text. */
  readonly reads?: number
  /** Whoever runs it has the turn already: see {@link Runtime.turn}. */
  readonly inTurn?: boolean | undefined
}

/** What a session needs of the runtime it belongs to. */
export interface SessionHost {
  readonly vocabSize: number
  readonly contextLength: number | null
  readonly kind: StateSnapshot['kind']
  /** The processor writes its outputs into the given tensors; a device makes its own. */
  readonly onHost: boolean
  /**
   * The graph is an export's: on the processor its numbers then depend on whether a run has an odd number of tokens, which is seen to
   * with one more (what a compiled graph does where it matters).
   */
  readonly padsRuns: boolean
  /** Most tokens in one run; fewer than {@link CHUNK_TOKENS} where a device computes long chunks wrongly. */
  readonly chunkTokens: number
  /** Runs the graph; returns what a device made, or null when the outputs are in the given tensors. */
  run(
    feeds: Record<string, Tensor>,
    outputs: Record<string, Tensor>,
    options?: RunOptions,
  ): Promise<InferenceSession.ReturnType | null>
  /** The tensors of a session that stands where this snapshot does. */
  stateOf(snapshot: StateSnapshot): SessionState
}

/** The tensors of a session's state; a transformer has only keys and values, a Mamba only the recurrent part. */
export interface SessionState {
  readonly kv: KvCache | null
  readonly recurrent: RecurrentState | null
  position: number
}
