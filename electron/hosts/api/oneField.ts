import type { z } from 'zod'

/**
 * A request that gives one of some fields, and no two of them; with `isNeeded: false` it may give none. The OpenAPI document
 * says so in the same words.
 */
export function oneField<S extends z.ZodObject>(
  request: S,
  fields: readonly (keyof z.output<S> & string)[],
  { isNeeded = true }: { isNeeded?: boolean } = {},
): S {
  const alone = fields.map(field => ({ required: [field] }))
  const names = `${fields.slice(0, -1).join(', ')} and ${fields.at(-1)}`
  return request
    .refine(
      given => {
        const count = fields.filter(field => given[field] !== undefined).length
        return count === 1 || (count === 0 && !isNeeded)
      },
      { error: `give ${isNeeded ? 'one' : 'at most one'} of ${names}` },
    )
    .meta({ oneOf: isNeeded ? alone : [...alone, { not: { anyOf: alone } }] })
}
