/** One inference as the meter keeps it. Everything is counted or measured; only `secondsAvoided` compares. */
import { z } from 'zod'

const count = z.number().int().nonnegative()
const seconds = z.number().nonnegative()

export const meterEntrySchema = z.strictObject({
  /** packet_id the inference started from; null for none. */
  cartridge: z.string().nullable(),
  model: z.string(),
  device: z.string(),
  /** Tokens a loop that re-reads everything would have run through the model, generated ones included. */
  tokensNaive: count,
  /** Tokens the session really ran, generated ones included. */
  tokensProcessed: count,
  tokensGenerated: count,
  /** Seconds to bring the state back, to read what was new, to generate. */
  secondsRestore: seconds,
  secondsRead: seconds,
  secondsGenerate: seconds,
  bytesRead: count,
  bytesWritten: count,
  /** When it ended, milliseconds since 1970; now when not given. */
  at: z.number().int().optional(),
})
export type MeterEntry = z.input<typeof meterEntrySchema>

/** `hit`: bringing the state back beat reading again. `miss`: it did not, or there was nothing to reuse. `unmeasured`: no reading speed yet. */
export type Outcome = 'hit' | 'miss' | 'unmeasured'

/**
 * Seconds avoided: reading everything at the measured speed, minus what restoring and reading the new part took. Negative when
 * restoring was slower; null when this model's reading speed on this device was never measured.
 */
export function secondsAvoided(entry: MeterEntry, rereadSeconds: number | null): number | null {
  return rereadSeconds === null ? null : rereadSeconds - entry.secondsRestore - entry.secondsRead
}

/** A hit that saved nothing is a miss. */
export function outcomeOf(entry: MeterEntry, avoided: number | null): Outcome {
  if (entry.tokensProcessed >= entry.tokensNaive) return 'miss'
  if (avoided === null) return 'unmeasured'
  return avoided > 0 ? 'hit' : 'miss'
}
