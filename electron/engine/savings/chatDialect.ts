import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'

/** How a server wants the optional fields of a request: learnt from what it refuses, kept for the requests that follow. */
export interface ChatDialect {
  readonly limit: 'max_tokens' | 'max_completion_tokens'
  /** False for models that fix their own temperature: their answers vary. */
  readonly temperature: boolean
  /** What stands before chat/completions where the address as given has no path of its own. */
  readonly base: '' | '/v1'
}

export const USUAL_DIALECT: ChatDialect = { limit: 'max_tokens', temperature: true, base: '' }

/** The fields of a request that a server may want otherwise. */
export function dialectFields({ limit, temperature }: ChatDialect, maxTokens: number): Record<string, number> {
  return { [limit]: maxTokens, ...(temperature ? { temperature: 0 } : {}) }
}

const errorSchema = z.object({ error: z.object({ param: z.string().nullish(), message: z.string().nullish() }) })

/**
 * The dialect to try after a refusal; null when the refusal is about something else, or that was tried. What is sent never
 * loses its limit of tokens: a spending cap rests on it.
 */
export function learnDialect(
  dialect: ChatDialect,
  { status, body, tried }: { status: number; body: string; tried: readonly ChatDialect[] },
): ChatDialect | null {
  const known = [dialect, ...tried]
  const isNew = (next: ChatDialect) => !known.some(other => isDeepStrictEqual(other, next))
  // Some servers answer at the root, most below /v1: a bare host is tried as it was given first.
  if (status === 404 || status === 405) return [{ ...dialect, base: '/v1' } as const].find(isNew) ?? null
  if (status !== 400 && status !== 422) return null
  const said = refusalOf(body)
  const limit = dialect.limit === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens'
  // A refusal may repeat the whole request, and so name fields that it does not mind.
  const candidates: ChatDialect[] = [
    ...(/\btemperature\b/.test(said) ? [{ ...dialect, temperature: false }] : []),
    ...(/\bmax_(completion_)?tokens\b/.test(said) ? [{ ...dialect, limit } as const] : []),
  ]
  return candidates.find(isNew) ?? null
}

/** The field a refusal names, else its words. */
function refusalOf(body: string): string {
  try {
    const { error } = errorSchema.parse(JSON.parse(body))
    return error.param || error.message || body
  } catch {
    return body
  }
}
