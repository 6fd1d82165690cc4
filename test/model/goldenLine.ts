/** What the golden runner prints for a case. null: the case has no reference for it. */
export interface GoldenPass {
  readonly case: string
  readonly ok: boolean
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

/** Absolute, float32. */
export const GOLDEN_LIMIT = 2e-4
