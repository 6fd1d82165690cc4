import { z } from 'zod'
import type { ErrorValue } from '#shared/domain/error.ts'

export const errorSchema = z.strictObject({
  error: z.strictObject({
    /** From the closed table of codes. */
    code: z.string(),
    message: z.string(),
    /** The same as `code`, where clients of other servers look for it. */
    type: z.string(),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
  }),
})

/** A failure as every route tells it. */
export function errorResponse({
  code,
  message,
  details = {},
}: Pick<ErrorValue, 'code' | 'message'> & Partial<ErrorValue>): z.output<typeof errorSchema> {
  const isPlain = Object.keys(details).length === 0
  return { error: { code, message, type: code, ...(isPlain ? {} : { details: { ...details } }) } }
}
