import { createHash } from 'node:crypto'
import type { StateSnapshot } from '#engine/inference/stateSnapshot.ts'

/** Shapes and every bit of a state as one line: equal lines are equal states, and a failing test stays readable. */
export function digestState(state: StateSnapshot): string {
  const hash = createHash('sha256')
  const shapes = JSON.stringify(state, (_key, value: unknown) => {
    if (!(value instanceof Float32Array)) return value
    hash.update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
    return value.length
  })
  return `${state.kind} of ${state.position} tokens, ${hash.update(shapes).digest('hex')}`
}

/** The same for a row (or rows) of logits. */
export function digestLogits(logits: Float32Array): string {
  const bytes = new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength)
  return `${logits.length} logits, ${createHash('sha256').update(bytes).digest('hex')}`
}
