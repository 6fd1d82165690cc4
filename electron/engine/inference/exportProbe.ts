import { StatePackError } from '#shared/domain/error.ts'
import type { Session } from './session.ts'

const TOKENS = 6
/** Rounding and quantised activations stay below a tenth of the spread of the logits; a forgotten past is of its size. */
const TOLERANCE = 0.25

/**
 * What an ONNX export really does with its past, since its names do not tell: some exports read many tokens only onto an
 * empty past and answer anything else wrongly, without an error. Six tokens read at once, in two halves and one by one must
 * give the same logits at every position. Returns the tokens a run may take: `preferred`, or 1 when only single tokens continue a past
 * rightly. Throws `E_NOT_SUPPORTED` when not even they do.
 */
export async function probeExport(newSession: (chunk: number) => Session, preferred: number): Promise<number> {
  const read = async (chunk: number) => {
    using session = newSession(chunk)
    const { contextLength, vocabSize } = session
    const count = Math.min(TOKENS, contextLength ?? TOKENS)
    const tokens = Array.from({ length: count }, (_, i) => (i * 7 + 1) % vocabSize)
    const logits = await session.append(tokens, { logits: 'all' })
    return tokens.map((_, at) => logits.subarray(at * vocabSize, (at + 1) * vocabSize))
  }
  const [whole, halves, singles] = [await read(TOKENS), await read(TOKENS / 2), await read(1)]
  if (difference(whole, halves) <= TOLERANCE) return preferred
  if (difference(whole, singles) <= TOLERANCE) return 1
  throw new StatePackError(
    'E_NOT_SUPPORTED',
    'This ONNX export cannot be used: read in pieces, a text gives other answers than read at once, so its state does not carry on.',
  )
}

/** The largest over the positions. */
function difference(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  return Math.max(0, ...a.map((row, at) => rowDifference(row, b[at] ?? row)))
}

/** Mean distance of two rows of logits, as a share of the first one's mean distance from its mean; -Infinity bars a token. */
function rowDifference(a: Float32Array, b: Float32Array): number {
  const finite = a.filter(Number.isFinite)
  const mean = finite.reduce((sum, logit) => sum + logit, 0) / finite.length
  let [apart, spread] = [0, 0]
  for (const [id, logit] of a.entries()) {
    const other = b[id] ?? Number.NaN
    if (Object.is(logit, other)) continue
    apart += Math.abs(logit - other)
  }
  for (const logit of finite) spread += Math.abs(logit - mean)
  return apart === 0 ? 0 : apart / spread
}
