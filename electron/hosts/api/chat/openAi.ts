/** Shapes that OpenAI's endpoints share. */

import { z } from 'zod'
import { digestSchema } from '#shared/domain/cartridge.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { count } from '#shared/rpc/methods/views.ts'
import { errorSchema } from '../errorResponse.ts'
import type { Answered } from './answer.ts'

/** What OpenAI's streams say, without names: chunks, a failure, and that they are over. */
export const streamedAs = <Chunk extends z.ZodType>(chunk: Chunk) =>
  z.union([
    z.strictObject({ data: chunk }),
    z.strictObject({ data: errorSchema }),
    z.strictObject({ data: z.literal('[DONE]') }),
  ])

export const usageSchema = z.strictObject({
  prompt_tokens: count,
  completion_tokens: count,
  total_tokens: count,
  /** Tokens of the prompt that a known state spared: they were not read again. */
  prompt_tokens_details: z.strictObject({ cached_tokens: count }),
})

/** What the answers of one request have in common: with several, the state is that of the question. */
export function together(answers: readonly Answered[]) {
  const [first] = answers
  if (first === undefined) throw new StatePackError('E_INTERNAL', 'There is no answer.')
  return { model: first.model, state: first.state, usage: usageOf(answers) }
}

function usageOf(answers: readonly Answered[]): z.output<typeof usageSchema> {
  const sum = (of: (usage: Answered['usage']) => number) => answers.reduce((total, { usage }) => total + of(usage), 0)
  // Every answer of one request has the same prompt: it is paid once.
  const { prompt = 0, cached = 0 } = answers[0]?.usage ?? {}
  const completion = sum(usage => usage.completion)
  return {
    ...{ prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion },
    prompt_tokens_details: { cached_tokens: cached },
  }
}

/** The state of the conversation with its answer: an extension. */
export const stateField = digestSchema

export const finishOf = ({ isWhole }: Pick<Answered, 'isWhole'>) => (isWhole ? ('stop' as const) : ('length' as const))
export const finishSchema = z.enum(['stop', 'length'])

const tokenLogprob = {
  token: z.string(),
  logprob: z.number(),
  bytes: z.array(count),
}
export const chatLogprobsSchema = z.strictObject({
  content: z.array(z.strictObject({ ...tokenLogprob, top_logprobs: z.array(z.strictObject(tokenLogprob)) })),
})

export function chatLogprobs(logprobs: Answered['logprobs']): z.output<typeof chatLogprobsSchema> | null {
  if (logprobs === null) return null
  const entry = ({ text, logprob }: { text: string; logprob: number }) => ({
    ...{ token: text, logprob },
    bytes: [...new TextEncoder().encode(text)],
  })
  return { content: logprobs.map(({ top, ...token }) => ({ ...entry(token), top_logprobs: top.map(entry) })) }
}

export const now = () => Math.floor(Date.now() / 1000)
