import { z } from 'zod'

/** How a server wants the optional fields of a request: learnt from what it refuses, kept for the requests that follow. */
export interface ChatDialect {
  readonly limit: 'max_tokens' | 'max_completion_tokens'
  /** False for models that fix their own temperature: their answers vary. */
  readonly temperature: boolean
}

export const USUAL_DIALECT: ChatDialect = { limit: 'max_tokens', temperature: true }

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
  if (status !== 400 && status !== 422) return null
  const said = refusalOf(body)
  const limit = dialect.limit === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens'
  const next: ChatDialect = /\btemperature\b/.test(said)
    ? { ...dialect, temperature: false }
    : /\bmax_(completion_)?tokens\b/.test(said)
      ? { ...dialect, limit }
      : dialect
  const known = [dialect, ...tried]
  return known.some(other => other.limit === next.limit && other.temperature === next.temperature) ? null : next
}

/** The field a refusal names, else its words. */
function refusalOf(body: string): string {
  try {
    const { error } = errorSchema.parse(JSON.parse(body))
    return error.param ?? error.message ?? body
  } catch {
    return body
  }
}
