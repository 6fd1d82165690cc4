/** What the golden runner prints for a case. null: the case has no reference for it. */
export interface GoldenPass {
  readonly case: string
  readonly ok: boolean
  /** The largest difference allowed; null where ids are compared. */
  readonly limit: number | null
  readonly maxAbsDiff: {
    readonly logits: number | null
    readonly fromSplit: number | null
    readonly cache: number | null
  } | null
  readonly greedyEqual: boolean | null
  readonly seams: {
    readonly tried: number
    readonly exact: number
    readonly tailTokens: { readonly p50: number; readonly p95: number; readonly max: number }
  } | null
}

export interface GoldenFailure {
  readonly case: string
  readonly ok: false
  readonly code: string
  readonly message: string
}

export type GoldenLine = GoldenPass | GoldenFailure

/** Absolute, float32, for logits of the size that random weights give. */
export const GOLDEN_LIMIT = 2e-4

/**
 * `limit` for values up to 4, growing with the largest one beyond: float32's rounding, in the rotary angles of the reference
 * above all, is relative to what it rounds, and real models have logits of 40.
 */
export function goldenLimit(limit: number, values: ArrayLike<number>): number {
  let largest = 0
  for (let at = 0; at < values.length; at++) largest = Math.max(largest, Math.abs(values[at] ?? 0))
  return limit * Math.max(1, largest / 4)
}
