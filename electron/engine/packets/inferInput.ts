import type { StateDtype } from '#shared/domain/cartridge.ts'
import type { ToolChoice } from '#shared/domain/tool.ts'
import type { Sampling } from '../inference/sampling.ts'
import type { DeltaInput } from './deltaOf.ts'

/** What is asked of a state, and how it is answered. */
export interface InferInput {
  /** Absent: the delta is read by the bare model. */
  readonly ref?: string | undefined
  readonly model?: string | undefined
  readonly delta: string
  /** The delta is what the user says: the next turn of a conversation, through the model's chat template. */
  readonly chat?: boolean | undefined
  /** System prompt of a conversation with the bare model. */
  readonly system?: string | undefined
  /** What was said in it before; see `DeltaInput.turns`. */
  readonly turns?: DeltaInput['turns']
  /** Tools that the model may call; see `DeltaInput.tools`. */
  readonly tools?: DeltaInput['tools']
  /** Default `auto`. */
  readonly toolChoice?: ToolChoice | undefined
  /** Of a state that begins here, without a cartridge; float32 is exact, so that later questions may go on from it. */
  readonly dtype?: StateDtype | undefined
  /** Also give the log-probabilities of the answer's tokens, and of so many that were likelier or nearly as likely. */
  readonly logprobs?: number | undefined
  /** The answer that was given before, with the token that ended it: it is read instead of written, to have its state again. */
  readonly answer?: { readonly ids: readonly number[]; readonly stopId: number | null } | undefined
  /** An answer that is stopped is kept as far as it came. Default false: a call that is cancelled leaves nothing. */
  readonly keepStopped?: boolean | undefined
  /** Texts that end the answer, besides those that the prompt style implies. */
  readonly stop?: readonly string[] | undefined
  /** The answer is JSON that follows this schema, as far as it comes. */
  readonly jsonSchema?: Readonly<Record<string, unknown>> | undefined
  /** How control tokens that the delta spells out are read; default as the state reads them. */
  readonly controlTokens?: 'text' | 'control' | undefined
  /** Go on although the model was edited, when no number of the state depends on it. */
  readonly acceptEdits?: boolean | undefined
  readonly maxNewTokens?: number
  readonly sampling?: Sampling | undefined
  /** Append the generated ids verbatim to the new state. */
  readonly keepOutput?: boolean
  /** `memory`: the new state can be continued while the engine runs, and is not written. */
  readonly persist?: 'durable' | 'retained' | 'memory'
  /** Record the most likely tokens of every step, stored by digest with the receipt. */
  readonly trace?: boolean
  readonly seam?: 'exact' | 'concat'
  /** Ids that end the answer; the model's own unless given. */
  readonly stopIds?: readonly number[]
  /** Without a cartridge: go on from a known state that begins alike. Default true; a comparison reads it all. */
  readonly reuse?: boolean
}
