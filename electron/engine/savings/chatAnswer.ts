import { z } from 'zod'

export interface ParsedAnswer {
  readonly text: string
  readonly inputTokens: number
  readonly cachedTokens: number
  readonly outputTokens: number
}

const count = z.number().int().nonnegative()
const cached = z.object({ cached_tokens: count.nullish() }).nullish()

const answerSchema = z.object({
  choices: z
    .array(
      z.object({
        message: z.object({
          content: z
            .union([z.string(), z.array(z.union([z.string(), z.object({ text: z.string().nullish() })]))])
            .nullish(),
        }),
      }),
    )
    .min(1),
  usage: z.union([
    z.looseObject({ prompt_tokens: count, completion_tokens: count }),
    z.looseObject({ input_tokens: count, output_tokens: count }),
  ]),
})

/** Where servers say how many of the input tokens they had in their cache; one that has no cache says nothing. */
const cacheSchema = z.object({
  prompt_tokens_details: cached,
  input_tokens_details: cached,
  cached_tokens: count.nullish(),
  prompt_cache_hit_tokens: count.nullish(),
  cache_read_input_tokens: count.nullish(),
})

/** A chat completion with its usage; null when the body is none, or has no usage. Content may be text or a list of parts. */
export function parseChatAnswer(body: string): ParsedAnswer | null {
  const answer = answerSchema.safeParse(json(body)).data
  const cache = cacheSchema.safeParse(answer?.usage).data
  if (answer === undefined || cache === undefined) return null
  const { usage } = answer
  const inputTokens = 'prompt_tokens' in usage ? Number(usage.prompt_tokens) : Number(usage.input_tokens)
  const content = answer.choices[0]?.message.content ?? ''
  return {
    text:
      typeof content === 'string'
        ? content
        : content.map(part => (typeof part === 'string' ? part : (part.text ?? ''))).join(''),
    inputTokens,
    cachedTokens: Math.min(
      inputTokens,
      cache.prompt_tokens_details?.cached_tokens ??
        cache.input_tokens_details?.cached_tokens ??
        cache.prompt_cache_hit_tokens ??
        cache.cache_read_input_tokens ??
        cache.cached_tokens ??
        0,
    ),
    outputTokens: 'completion_tokens' in usage ? Number(usage.completion_tokens) : Number(usage.output_tokens),
  }
}

function json(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return null
  }
}
