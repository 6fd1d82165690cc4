import { StatePackError } from '#shared/domain/error.ts'
import { Answer } from './answer.ts'
import type { Constraint } from './constraint.ts'
import type { TokenTrace } from './logits.ts'
import type { Sampling } from './sampling.ts'
import type { Session } from './session.ts'

/** A token as it comes. */
export interface GeneratedToken {
  readonly id: number
  /** 0 for the first generated token. */
  readonly index: number
  readonly trace: TokenTrace | null
}

export interface GenerateOptions {
  readonly maxNewTokens: number
  readonly sampling?: Sampling
  /** Ids that end the answer; they are not part of it. */
  readonly stopIds?: readonly number[]
  /** Tokens of the context, for the repetition penalty. */
  readonly history?: ArrayLike<number>
  /** Feed the last generated token too, so that the state has read the whole answer. Default false. */
  readonly keepOutput?: boolean
  /** Record the k most likely tokens of every step. */
  readonly traceTopK?: number
  /** Looked at between steps; a cancelled run returns what it has. */
  readonly signal?: AbortSignal
  /** What the answer may be; the traces are still of the model's own logits. */
  readonly constraint?: Constraint | undefined
  /** Called for every token of the answer; returning `stop` ends it there (a stop text, say). */
  readonly onToken?: (token: GeneratedToken) => unknown
  /** Reads a token after what was read so far and returns the logits `[vocab]`; the session itself unless given. */
  readonly step?: (token: number) => Promise<Float32Array>
}

/** `context`: the model's context is full. */
export type FinishReason = 'stop' | 'length' | 'context' | 'cancelled'

export interface Generation {
  /** The answer, without the stop id. */
  readonly ids: Int32Array
  readonly finishReason: FinishReason
  /** The stop id that ended the answer. It has not been fed. */
  readonly stopId: number | null
  /** How many of `ids` the session has read: all of them, or all but the last. */
  readonly fed: number
  /** After the last token fed. */
  readonly logits: Float32Array
  /** One for each of `ids`, and one for the stop id; empty unless asked for. */
  readonly traces: readonly TokenTrace[]
}

/**
 * Generates from `logits`, the ones after the session's last token, feeding each token to get the next.
 *
 * Where the session stands afterwards: after a stop id it has read every token of the answer. When the answer ended for
 * another reason its last token has not been fed, because nobody asked what follows; with `keepOutput` it is, so the
 * state is always that of context + answer (unless the context is full). Generate on a fork to leave the state as it was.
 *
 * Throws `E_BAD_INPUT` for wrong settings, what {@link Session.append} throws, and what a constraint does.
 */
export async function generate(session: Session, logits: Float32Array, options: GenerateOptions): Promise<Generation> {
  const answer = new Answer(options, session.vocabSize)
  if (logits.length !== session.vocabSize) {
    throw new StatePackError('E_BAD_INPUT', 'Generation starts from the logits after the last token.', {
      expected: session.vocabSize,
      found: logits.length,
    })
  }
  const start = session.position
  const isFull = () => session.contextLength !== null && start + fed >= session.contextLength
  let row = logits
  let fed = 0
  const feed = async () => {
    // One token: each is fed as soon as it is taken.
    const [token] = answer.ids.slice(fed)
    if (token === undefined) return
    row = await (options.step?.(token) ?? session.append([token]))
    fed += 1
  }
  await options.constraint?.ready()
  while (answer.take(row)) {
    if (isFull()) answer.finish('context')
    else await feed()
    // It was looked for while the model ran.
    await options.constraint?.ready()
  }
  if ((options.keepOutput ?? false) && fed < answer.ids.length && !isFull()) await feed()
  return answer.generation(fed, row)
}
