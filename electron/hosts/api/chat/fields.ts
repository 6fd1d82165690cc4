/** Fields that clients of OpenAI's and Anthropic's servers send, and what of them is taken here. */
import { z } from 'zod'

/** Said where a field is known and not supported, so that it is never ignored. */
export const unsupported = (what: string) => ({ error: `${what} is not supported by this server` })

/** Where a checkpoint would be kept: here every conversation is kept anyway. */
export const cacheControl = z.strictObject({ type: z.literal('ephemeral'), ttl: z.string().optional() }).nullish()

export const textPart = z.strictObject({
  type: z.enum(['text', 'input_text', 'output_text'], unsupported('content that is not text')),
  text: z.string(),
  cache_control: cacheControl,
  annotations: z.array(z.unknown()).max(0).optional(),
  logprobs: z.array(z.unknown()).optional(),
})

/** Of a value that is none of several: what is wrong with it as a list, which says more than that it is no text. */
function firstProblem({ input, errors }: { input?: unknown; errors?: z.core.$ZodIssue[][] }): string | undefined {
  return Array.isArray(input) ? errors?.at(-1)?.[0]?.message : undefined
}

/** The parts of a text, of which there may be one only. */
export const partsSchema = z
  .union([z.string(), z.array(textPart).min(1)], { error: firstProblem })
  .transform(content => (typeof content === 'string' ? [content] : content.map(({ text }) => text)))
export const joined = (parts: readonly string[]) => parts.join('\n\n')
/** A text, or the parts of one. */
export const contentSchema = partsSchema.transform(joined)

export const stopSchema = z
  .union([z.string().min(1).max(200), z.array(z.string().min(1).max(200)).max(16)])
  .nullish()
  .transform(stop => (stop === null || stop === undefined ? [] : typeof stop === 'string' ? [stop] : stop))

/** How many tokens are generated where a client does not say. */
export const DEFAULT_TOKENS = 512
/** An answer has no more than {@link MOST_TOKENS}, whatever is asked for. */
export const tokensSchema = z.number().int().min(1)
export const MOST_TOKENS = 4096

/** How the answer is chosen. Where nothing is said the most likely token is taken, so that an answer can be had again. */
export const samplingFields = {
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
}
export const seedSchema = z.number().int().nullish()

/** A state to go on from: its hash, a name, the id of a response, or `auto` for the cartridge that the question is about. */
export const stateSchema = z.string().min(1).max(300).optional()

const include_obfuscation = z.literal(false, unsupported('obfuscation')).nullish()
export const streamOptions = z.strictObject({ include_usage: z.boolean().nullish(), include_obfuscation })
export const responseStreamOptions = z.strictObject({ include_obfuscation })

/** Of models that reason, and of those that say more or less: taken with the value that asks for neither. */
export const effortSchema = z.literal('none', unsupported('reasoning'))
export const verbositySchema = z.literal('medium', unsupported('another verbosity'))

/** Labels of a request that change nothing of its answer. */
export const labelFields = {
  user: z.string().nullish(),
  safety_identifier: z.string().nullish(),
  prompt_cache_key: z.string().nullish(),
  prompt_cache_retention: z.enum(['in-memory', 'in_memory', '24h']).nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  service_tier: z.enum(['auto', 'default'], unsupported('another service tier')).nullish(),
}

/** Fields that are taken only with the value that asks for nothing. */
export const neutralPenalties = {
  frequency_penalty: z.literal(0, unsupported('a frequency penalty')).nullish(),
  presence_penalty: z.literal(0, unsupported('a presence penalty')).nullish(),
  logit_bias: z.record(z.string(), z.never(unsupported('a logit bias'))).nullish(),
}

const jsonSchema = z.record(z.string(), z.unknown())
/** A schema and what it is called; `strict` or not, each token is chosen within it. */
const named = {
  name: z.string().min(1).max(64),
  description: z.string().nullish(),
  schema: jsonSchema,
  strict: z.boolean().nullish(),
}
const unknownFormat = unsupported('a format other than text, json_object and json_schema')
const textFormat = z.strictObject({ type: z.literal('text') })
const jsonObject = z.strictObject({ type: z.literal('json_object') })

/** Both give the schema that the answer follows; undefined: it is any text. */
export const responseFormat = z
  .discriminatedUnion(
    'type',
    [textFormat, jsonObject, z.strictObject({ type: z.literal('json_schema'), json_schema: z.strictObject(named) })],
    unknownFormat,
  )
  .transform(format => (format.type === 'json_schema' ? format.json_schema.schema : schemaOf(format)))
export const outputFormat = z
  .discriminatedUnion(
    'type',
    [textFormat, jsonObject, z.strictObject({ type: z.literal('json_schema'), ...named })],
    unknownFormat,
  )
  .transform(format => (format.type === 'json_schema' ? format.schema : schemaOf(format)))

const schemaOf = ({ type }: { type: 'text' | 'json_object' }) => (type === 'text' ? undefined : { type: 'object' })
