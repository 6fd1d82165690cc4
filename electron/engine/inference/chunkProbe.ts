import type { Session } from './session.ts'

/** Long enough to take the attention kernel for long chunks, short enough to take no time. */
const LONG = 48
const SHORT = 16
const TOLERANCE = 1e-2

/**
 * The longest chunk that a device computes rightly: `preferred`, or 16 when one long chunk and three short ones of the same
 * tokens disagree. WebGPU's attention for 32 and more queries at once assumes subgroups of at least eight lanes and is
 * silently wrong on adapters with fewer (SwiftShader has four).
 */
export async function probeChunkTokens(newSession: (chunk: number) => Session, preferred: number): Promise<number> {
  const read = async (chunk: number) => {
    using session = newSession(chunk)
    const { contextLength, vocabSize } = session
    const count = Math.min(LONG, contextLength ?? LONG)
    return await session.append(Array.from({ length: count }, (_, i) => (i * 7 + 1) % vocabSize))
  }
  const [long, short] = [await read(LONG), await read(SHORT)]
  const largest = short.reduce((most, logit) => Math.max(most, Math.abs(logit)), 0)
  const agree = short.every((logit, id) => Math.abs(logit - (long[id] ?? 0)) <= TOLERANCE * largest)
  return agree ? preferred : SHORT
}
