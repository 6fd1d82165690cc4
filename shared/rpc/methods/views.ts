/** Shapes that several methods return: what a window, the CLI or the SDK sees of a cartridge, a model and a receipt. */
import { z } from 'zod'
import { ABILITIES } from '../../domain/ability.ts'
import { digestSchema, fingerprintSchema, stateDtypeSchema, stateKindSchema } from '../../domain/cartridge.ts'
import { componentIdSchema } from '../../domain/component.ts'
import { TRUST_LEVELS } from '../../domain/trust.ts'

export const count = z.number().int().nonnegative()
/** A packet_id, a context_id (with or without `sha256:`) or a name. */
export const refSchema = z.string().min(1)

export const verifiedLevelSchema = z.enum(['none', 'intact', 'signed', 'sampled', 'recomputed'])
export const tierSchema = z.enum(['hot', 'warm', 'cold'])
export const trustSchema = z.enum(TRUST_LEVELS)

export const cartridgeSummarySchema = z.strictObject({
  packetId: digestSchema,
  contextId: digestSchema,
  name: z.string(),
  kind: stateKindSchema,
  model: z.strictObject({ name: z.string(), architecture: z.string(), installed: z.boolean() }),
  dtype: stateDtypeSchema,
  /** Tokens folded into the state. */
  tokens: count,
  /** Bytes of all blobs of this packet. */
  bytes: count,
  createdAt: z.string(),
  usedAt: z.string().nullable(),
  tags: z.array(z.string()),
  pinned: z.boolean(),
  trust: trustSchema,
  verified: verifiedLevelSchema,
  tier: tierSchema,
  parents: count,
  /** How many of the checked sentences of its own text the state could end; null: never checked. */
  spotChecks: z.strictObject({ recalled: count, checked: count }).nullable(),
})
export type CartridgeSummary = z.infer<typeof cartridgeSummarySchema>

export const receiptViewSchema = z.strictObject({
  receipt_id: z.string(),
  operation_id: z.string(),
  op: z.string(),
  ok: z.boolean(),
  seq: count,
  prev: z.string().nullable(),
  packet_id: z.string().nullable(),
  base_sha256: z.string().nullable(),
  blob_sha256: z.string().nullable(),
  delta_sha256: z.string().nullable(),
  bytes: count.nullable(),
  tokens: z
    .strictObject({ base: count, delta: count, processed: count, saved: z.number(), savings_percent: z.number() })
    .nullable(),
  /** Wall-clock time of signing, ISO 8601, and measured seconds: signed but outside both ids. */
  at: z.string(),
  seconds: z.number(),
})
export type ReceiptView = z.infer<typeof receiptViewSchema>

export const modelViewSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  kind: stateKindSchema,
  architecture: z.string(),
  parameters: count,
  precision: z.string(),
  /** Why the Studio chose that precision; null where a person did, or nobody. */
  precisionReason: z.string().nullable(),
  /** Tokens; null when there is no limit. */
  contextLength: count.nullable(),
  vocabSize: count,
  weightsBytes: count,
  /** Bytes of float32 state a token adds (transformers), and the fixed part (SSM). */
  stateBytesPerToken: count,
  stateBytesFixed: count,
  starter: z.boolean(),
  /** `offline`: its folder cannot be reached now. */
  status: z.enum(['ready', 'offline', 'broken']),
  problem: z.string().nullable(),
  /** What its files say and the Studio leaves out, in words. */
  notes: z.array(z.string()),
  folder: z.string(),
  /** Fetched from the hub by the app: removing it deletes its files. */
  downloaded: z.boolean(),
  hasChatTemplate: z.boolean(),
  ability: z.enum(ABILITIES),
  /** The types of GGUF that its file has quantised it in, the one with most bytes first; null for other files. */
  quantised: z.string().nullable(),
  /** Measured prefill tokens per second of this model on this device; null before the first measurement. */
  prefillTokensPerSecond: z.number().nullable(),
  /**
   * Bytes that it takes on the processor with a context of 2,048 tokens, and that are free now; `problem` is why it would not be
   * loaded, with what would fit. null: it runs elsewhere.
   */
  memory: z.strictObject({ needed: count, free: count, problem: z.string().nullable() }).nullable(),
})
export type ModelView = z.infer<typeof modelViewSchema>

export const samplingSchema = z.strictObject({
  temperature: z.number().min(0).max(5).default(0),
  topK: z.number().int().min(0).default(0),
  topP: z.number().gt(0).max(1).default(1),
  /** Makes tokens that occurred already less likely; 1 is off. */
  repetitionPenalty: z.number().gt(0).max(10).default(1),
  seed: z.number().int().min(0).max(0xffffffff).default(0),
})

/** The counts of one inference. `naive` is what re-reading the whole context would have processed. */
export const tokenCountsSchema = z.strictObject({
  base: count,
  tail: count,
  delta: count,
  generated: count,
  /** Tokens really run through the model by this operation, counted at the session. */
  processed: count,
  naive: count,
  saved: z.number(),
  savedPercent: z.number(),
})
export type TokenCounts = z.infer<typeof tokenCountsSchema>

export const reuseFields = {
  /** The known state that it went on from: only what came after its `tokens` was read. */
  reused: z.strictObject({ packetId: digestSchema, name: z.string(), tokens: count }).nullable(),
  /** Why no more could be taken from a state that begins alike, with the first token that differs; null when none does. */
  reuseMissed: z.string().nullable(),
}
const reuseSchema = z.strictObject(reuseFields)
export type Reuse = z.infer<typeof reuseSchema>

export const inferResultSchema = z.strictObject({
  /** The delta as it was read: a turn of a conversation in the model's chat template. */
  delta: z.string(),
  /** Without the call of a tool that it ends in. */
  output: z.string(),
  /** The arguments are JSON that follows the tool's schema, unless it was cut. */
  toolCall: z.strictObject({ name: z.string(), arguments: z.string(), isWhole: z.boolean() }).nullable(),
  /** The installed model that answered. */
  model: z.string(),
  /** The state that was asked, stored or in memory; null: none was. */
  basePacketId: digestSchema.nullable(),
  /** Of the new state. */
  dtype: stateDtypeSchema,
  outputTokenIds: z.array(count),
  /** The token that ended the answer; null when another thing did. */
  stopTokenId: count.nullable(),
  /** `context`: the model's context is full. */
  finishReason: z.enum(['stop', 'length', 'context', 'cancelled']),
  /** Which of the texts asked for ended the answer. */
  stopText: z.string().nullable(),
  newContextId: digestSchema,
  newPacketId: digestSchema.nullable(),
  tokens: tokenCountsSchema,
  ...reuseFields,
  /** Natural logarithms, of each token of the answer; null unless asked for. */
  logprobs: z
    .array(
      z.strictObject({
        id: count,
        text: z.string(),
        logprob: z.number(),
        top: z.array(z.strictObject({ id: count, text: z.string(), logprob: z.number() })),
      }),
    )
    .nullable(),
  /** Measured. `load`: of the model, where it was not loaded. `naiveEstimate` is prefill of the whole context at this model's measured speed; null when unmeasured. */
  seconds: z.strictObject({
    load: z.number(),
    restore: z.number(),
    read: z.number(),
    generate: z.number(),
    total: z.number(),
    naiveEstimate: z.number().nullable(),
  }),
  receipt: receiptViewSchema,
})
export type InferResult = z.infer<typeof inferResultSchema>

export const checkSchema = z.strictObject({
  component: componentIdSchema,
  ok: z.boolean(),
  message: z.string(),
})

export { fingerprintSchema }
