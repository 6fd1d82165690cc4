import type { Generation } from '../inference/generate.ts'
import type { Runtime } from '../inference/runtime.ts'
import type { Session } from '../inference/session.ts'
import type { StateSnapshot } from '../inference/stateSnapshot.ts'
import type { Tokenizer } from '../models/tokenizer/tokenizer.ts'

interface Answering {
  readonly session: Session
  readonly runtime: Runtime
  readonly tokenizer: Tokenizer
  /** Where the answer begins, and the logits there. */
  readonly start: number
  readonly first: Float32Array
  /** The state there, when it cannot be cut back. */
  readonly beforeAnswer: StateSnapshot | null
  /** What the chat template writes after an answer; null: the delta was no turn. */
  readonly closing: string | null
}

/**
 * Brings the session to the transcript as it will be continued: without the stop text, and with the token that ended the answer, unless the
 * chat template closes an answer with another one. `fresh`: a session that stands there in its place, the caller's.
 */
export async function keepAnswer(
  { session, runtime, tokenizer, start, first, beforeAnswer, closing }: Answering,
  { ids, stopId, logits }: Generation,
  written: number,
): Promise<{ readonly generated: Int32Array; readonly fresh: Session | null; readonly logits: Float32Array }> {
  const closes = stopId !== null && (closing === null || closing.startsWith(tokenizer.decode([stopId])))
  const added = closes ? [stopId] : []
  const generated = Int32Array.from([...ids, ...added])
  if (ids.length === written) {
    const after = added.length === 0 ? logits : await session.append(added, { logits: 'last' })
    return { generated, fresh: null, logits: after }
  }
  if (beforeAnswer === null) {
    // The last token before the stop text is read again for the logits after it.
    const again = ids.length === 0 ? 0 : 1
    session.truncate(start + ids.length - again)
    const after = again === 0 ? first : await session.append(ids.slice(-1), { logits: 'last' })
    return { generated, fresh: null, logits: after }
  }
  const fresh = await runtime.restore(beforeAnswer)
  try {
    return { generated, fresh, logits: ids.length === 0 ? first : await fresh.append(ids, { logits: 'last' }) }
  } catch (error) {
    fresh.dispose()
    throw error
  }
}

/** Characters. */
const WELL_BEFORE = 16

/** The ids whose text stands before a stop text: a token that also begins it stays if it begins with white space only. */
export function idsBefore(tokenizer: Tokenizer, ids: Int32Array, length: number): Int32Array {
  // Halves of characters may count as more than the whole: what stands well before is looked for in steps that halve.
  let count = 0
  for (let step = 2 ** Math.floor(Math.log2(Math.max(1, ids.length))); step >= 1; step /= 2) {
    const next = count + step
    if (next <= ids.length && tokenizer.decode(ids.subarray(0, next)).length <= length - WELL_BEFORE) count = next
  }
  while (count < ids.length && tokenizer.decode(ids.subarray(0, count + 1)).length <= length) count++
  if (count === ids.length) return ids
  const over = tokenizer.decode(ids.subarray(0, count + 1)).slice(length)
  const starts = tokenizer.decode(ids.subarray(0, count)).length < length
  return ids.slice(0, starts && over.trim() === '' ? count + 1 : count)
}
