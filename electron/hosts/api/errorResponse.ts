import type { z } from 'zod'
import type { ErrorValue } from '#shared/domain/error.ts'
import type { errorSchema } from './openApiDocument.ts'

/** A failure as every route tells it. */
export function errorResponse({
  code,
  message,
  details = {},
}: Pick<ErrorValue, 'code' | 'message'> & Partial<ErrorValue>): z.output<typeof errorSchema> {
  const isPlain = Object.keys(details).length === 0
  return { error: { code, message, type: code, ...(isPlain ? {} : { details: { ...details } }) } }
}
