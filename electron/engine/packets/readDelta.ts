import type { AppendOptions } from '../inference/appendOptions.ts'
import type { Session } from '../inference/session.ts'
import type { BlockSink, StateSnapshot } from '../inference/stateSnapshot.ts'
import { joinTokens } from './joinTokens.ts'
import { readTraced } from './logitsTrace.ts'

/** Tokens that are held back are few; where they are more, logits after each of them would take more than a run of their own. */
const MOST_TAIL = 16

export interface DeltaReading {
  /** Goes into the new state. */
  readonly fold: Int32Array
  /** Comes before the answer, and stays out of the new state. */
  readonly tail: Int32Array
  /** The logits before all of it. */
  readonly before: Float32Array | null
  /** There is no new state before the answer: it is kept, too. */
  readonly isKept: boolean
  /** What the model expected of each token is wanted too. */
  readonly isTraced: boolean
}

export interface DeltaRead {
  /** After the folded tokens, without the blocks, which the sink has; null when the answer is kept. */
  readonly newState: { readonly rest: Omit<StateSnapshot, 'blocks'>; readonly logits: Float32Array | null } | null
  /** What the answer begins from; null when nothing was ever read. */
  readonly first: Float32Array | null
  /** Of every token that was read; empty unless asked for. */
  readonly steps: Awaited<ReturnType<typeof readTraced>>['steps']
}

/**
 * Reads a delta in one run where it can: each run reads all weights, so a short one costs as much as a step. Keys and values
 * are then taken as they were at the new state; a recurrent state has to be taken between the two parts. `sink`: where the blocks of the new
 * state go, or of the one that the answer leads to, as they become full.
 */
export async function readDelta(
  session: Session,
  { fold, tail, before, isKept, isTraced }: DeltaReading,
  { sink, ...options }: Omit<AppendOptions, 'logits'> & { readonly sink: BlockSink },
): Promise<DeltaRead> {
  const steps: DeltaRead['steps'] = []
  const read = async (tokens: Int32Array, from: Float32Array | null, into?: BlockSink) => {
    if (tokens.length === 0) return from
    if (!isTraced) return session.append(tokens, { ...options, sink: into })
    const traced = await readTraced(session, tokens, { ...options, sink: into, before: from })
    steps.push(...traced.steps)
    return traced.logits
  }
  const all = joinTokens(fold, tail)
  if (isKept) return { newState: null, first: await read(all, before, sink), steps }
  const isShort = fold.length > 0 && tail.length > 0 && tail.length <= MOST_TAIL
  if (!isShort || isTraced || session.kind !== 'kv') {
    const logits = await read(fold, before, sink)
    const newState = { rest: await session.captureInto(sink), logits }
    return { newState, first: await read(tail, logits), steps }
  }
  const end = session.position + fold.length
  const rows = await session.append(all, { ...options, sink: upTo(sink, end), logits: tail.length + 1 })
  const rest = await session.captureInto(sink, end)
  const { vocabSize } = session
  return { newState: { rest, logits: rows.slice(0, vocabSize) }, first: rows.subarray(-vocabSize), steps }
}

/** The part of a sink that what lies before `end` goes to. */
function upTo(sink: BlockSink, end: number): BlockSink {
  return {
    get length() {
      return sink.length
    },
    add: async block => {
      if (block.start + block.tokens <= end) await sink.add(block)
    },
  }
}
