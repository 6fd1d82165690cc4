import type { Input, Output } from '#shared/rpc/client.ts'
import { useRead } from '../../stores/useRead.ts'
import { useSettled } from '../../stores/useSettled.ts'

export type Estimate = Output<'packets.estimate'>

/** What reading would cost, a moment after the last change. `input` must keep its identity while nothing changed. */
export function useEstimate(input: Input<'packets.estimate'> | null): {
  readonly estimate: Estimate | null
  readonly error: unknown
} {
  const settled = useSettled(input, 250)
  const asked = input === null ? null : settled
  const { data, error } = useRead('packets.estimate', asked, { keepsLast: true, afresh: true, byIdentity: true })
  return { estimate: data ?? null, error }
}
