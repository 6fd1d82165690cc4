import type { AppendOptions } from '../inference/appendOptions.ts'
import { cutBack } from '../inference/cutBack.ts'
import type { Session } from '../inference/session.ts'
import type { StateSnapshot } from '../inference/stateSnapshot.ts'
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
  /** After the folded tokens; null when the answer is kept. */
  readonly newState: { readonly snapshot: StateSnapshot; readonly logits: Float32Array | null } | null
  /** What the answer begins from; null when nothing was ever read. */
  readonly first: Float32Array | null
  /** Of every token that was read; empty unless asked for. */
  readonly steps: Awaited<ReturnType<typeof readTraced>>['steps']
}

/**
 * Reads a delta in one run where it can: each run reads all weights, so a short one costs as much as a step. Keys and values
 * are then cut back to the new state; a recurrent state has to be taken between the two parts.
 */
export async function readDelta(
  session: Session,
  { fold, tail, before, isKept, isTraced }: DeltaReading,
  options: Omit<AppendOptions, 'logits'>,
): Promise<DeltaRead> {
  const steps: DeltaRead['steps'] = []
  const read = async (tokens: Int32Array, from: Float32Array | null) => {
    if (tokens.length === 0) return from
    if (!isTraced) return session.append(tokens, options)
    const traced = await readTraced(session, tokens, { ...options, before: from })
    steps.push(...traced.steps)
    return traced.logits
  }
  const all = Int32Array.from([...fold, ...tail])
  if (isKept) return { newState: null, first: await read(all, before), steps }
  const isShort = fold.length > 0 && tail.length > 0 && tail.length <= MOST_TAIL
  if (!isShort || isTraced || session.kind !== 'kv') {
    const logits = await read(fold, before)
    const newState = { snapshot: await session.capture(), logits }
    return { newState, first: await read(tail, logits), steps }
  }
  const rows = await session.append(all, { ...options, logits: tail.length + 1 })
  const snapshot = cutBack(await session.capture(), session.position - tail.length)
  const { vocabSize } = session
  return { newState: { snapshot, logits: rows.slice(0, vocabSize) }, first: rows.subarray(-vocabSize), steps }
}
