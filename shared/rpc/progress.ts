/** What a running call reports; a report may be left out, so it never carries content. All fields but `phase` are present when they are known, and only measured values are sent. */
import { z } from 'zod'

export const progressSchema = z.strictObject({
  /** What is happening, in the present participle: `reading`, `hashing weights`, `generating`, `verifying` … */
  phase: z.string(),
  done: z.number().optional(),
  total: z.number().optional(),
  unit: z.enum(['tokens', 'bytes', 'items']).optional(),
  /** Units per second over the phase so far. */
  rate: z.number().optional(),
  etaSeconds: z.number().optional(),
  /** Of several things that are made one after the other: which one the figures are of. */
  part: z.strictObject({ number: z.number(), of: z.number() }).optional(),
  /** Anything a running benchmark wants drawn live. */
  sample: z.record(z.string(), z.number()).optional(),
})
export type Progress = z.infer<typeof progressSchema>
