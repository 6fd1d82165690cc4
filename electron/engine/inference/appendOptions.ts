import { StatePackError } from '#shared/domain/error.ts'
import type { SessionHost } from './sessionHost.ts'
import type { BlockSink, StateSnapshot } from './stateSnapshot.ts'

export interface AppendProgress {
  readonly done: number
  readonly total: number
  readonly tokensPerSecond: number
}

export interface AppendOptions {
  /** Of which tokens logits are wanted: default `last`; a number: of so many last ones. */
  readonly logits?: 'none' | 'last' | 'all' | number
  readonly signal?: AbortSignal
  /** What it returns is waited for before the next chunk: so whoever listens can hold the reading. */
  readonly onProgress?: (progress: AppendProgress) => unknown
  /** Called with the state at each position that is a multiple of 64, the last included. The runs then end there. */
  readonly onCheckpoint?: ((snapshot: StateSnapshot) => void) | undefined
  /**
   * Given each block of keys and values once it is full, while the next chunk is read; on a device none, whose memory would have
   * to be fetched again for each. Where appending fails it may have blocks that the session has not.
   */
  readonly sink?: BlockSink | undefined
  /** Whoever appends has the runtime's turn already. */
  readonly inTurn?: boolean
}

/** Of how many tokens logits are wanted, however many there are. */
export function rowsOf(wanted: NonNullable<AppendOptions['logits']>): number {
  if (wanted === 'all') return Number.POSITIVE_INFINITY
  if (wanted === 'none') return 0
  return wanted === 'last' ? 1 : wanted
}

/** Throws `E_CONTEXT_LENGTH` where tokens after `position` do not fit the context, `E_BAD_INPUT` for what is no token id. */
export function assertReadable(
  { contextLength, vocabSize }: Pick<SessionHost, 'contextLength' | 'vocabSize'>,
  position: number,
  tokens: ArrayLike<number>,
): void {
  const end = position + tokens.length
  if (contextLength !== null && end > contextLength) {
    throw new StatePackError(
      'E_CONTEXT_LENGTH',
      `This model reads at most ${contextLength} tokens; the state has ${position} and ${tokens.length} more were given.`,
      { contextLength, position: position, tokens: tokens.length },
    )
  }
  for (let i = 0; i < tokens.length; i++) {
    const id = tokens[i]
    if (id === undefined || !Number.isInteger(id) || id < 0 || id >= vocabSize) {
      throw new StatePackError('E_BAD_INPUT', `Not a token id of this model: ${id} (its vocabulary has ${vocabSize}).`)
    }
  }
}
