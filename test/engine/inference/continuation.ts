/** What follows a state: the rest of a text, then greedy tokens; every row of logits goes into one hash. */
import { createHash } from 'node:crypto'
import { generate } from '#engine/inference/generate.ts'
import type { Session } from '#engine/inference/session.ts'

export interface Continuation {
  readonly ids: number[]
  /** SHA-256 of the logits of every continued token: equal hashes are equal bits. */
  readonly logits: string
}

export async function continueWith(session: Session, rest: ArrayLike<number>, greedy: number): Promise<Continuation> {
  const hash = createHash('sha256')
  let row = new Float32Array(0)
  const keep = (logits: Float32Array) => {
    hash.update(new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength))
    return logits
  }
  if (rest.length > 0)
    row = new Float32Array(keep(await session.append(rest, { logits: 'all' })).slice(-session.vocabSize))
  const ids: number[] = []
  while (ids.length < greedy && row.length > 0) {
    const step = await generate(session, row, { maxNewTokens: 1, keepOutput: true })
    ids.push(...step.ids)
    row = new Float32Array(keep(step.logits))
    if (step.fed === 0) break
  }
  return { ids, logits: hash.digest('hex') }
}
