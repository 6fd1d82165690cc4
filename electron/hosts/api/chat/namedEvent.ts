import { z } from 'zod'

/** A server-sent event whose data says what it is, too. */
export function namedEvent<Type extends string, Fields extends z.ZodRawShape>(type: Type, fields: Fields) {
  return z.strictObject({ event: z.literal(type), data: z.strictObject({ type: z.literal(type), ...fields }) })
}
