/** Ask: the history of questions to a cartridge. Every answer is a point one can rewind to or branch from. */
import { z } from 'zod'
import { digestSchema } from '../../domain/cartridge.ts'
import { nameSchema } from '../../domain/name.ts'
import { method, streaming } from '../method.ts'
import {
  cartridgeSummarySchema,
  count,
  inferResultSchema,
  refSchema,
  samplingSchema,
  tokenCountsSchema,
} from './views.ts'

export const askStepSchema = z.strictObject({
  id: z.string(),
  /** The step this one continues; null for the first question to the cartridge. */
  parentId: z.string().nullable(),
  question: z.string(),
  /** The question as it was read: phrased for the model. */
  delta: z.string(),
  answer: z.string(),
  outputTokenIds: z.array(count),
  /** The answer of the bare model to the same question, when it was asked for. */
  without: z.strictObject({ answer: z.string(), tokens: count, seconds: z.number() }).nullable(),
  /** State before and after this step. */
  fromPacketId: digestSchema,
  packetId: digestSchema.nullable(),
  tokens: tokenCountsSchema,
  seconds: z.number(),
  finishReason: z.string(),
  receiptId: z.string(),
  /** What the model expected was recorded: `receipts.trace` of `receiptId` has it. */
  traced: z.boolean().optional(),
  at: z.string(),
})
export type AskStep = z.infer<typeof askStepSchema>

export const askMethods = {
  /** Asks in the way the model was made for: its chat template for the question, its own end of answer. */
  'ask.ask': streaming(
    z.strictObject({
      /** The cartridge in the slot; absent when it was ejected. */
      ref: refSchema.optional(),
      model: z.string().optional(),
      parentId: z.string().optional(),
      question: z.string().trim().min(1).max(20_000),
      maxNewTokens: z.number().int().min(1).max(2048).default(64),
      sampling: samplingSchema.optional(),
      compare: z.boolean().default(false),
      /** See `packets.infer`. */
      acceptEdits: z.boolean().default(false),
      /** Record what the model expected at each position of the question and the answer. */
      trace: z.boolean().default(false),
    }),
    z.strictObject({
      step: askStepSchema.nullable(),
      with: inferResultSchema.nullable(),
      without: inferResultSchema.nullable(),
    }),
    {
      /** The answers as they come, whole characters; `of` says which of the two that a comparison asks for. */
      sends: z.strictObject({ of: z.enum(['with', 'without']), text: z.string() }),
    },
  ),
  /** All steps ever taken from this cartridge, oldest first; a tree through `parentId`. */
  'ask.history': method(z.strictObject({ ref: refSchema }), z.strictObject({ steps: z.array(askStepSchema) })),
  'ask.clear': method(z.strictObject({ ref: refSchema }), z.strictObject({ removed: count })),
  /** The state after a step, named and kept in the library. */
  'ask.keep': method(z.strictObject({ stepId: z.string(), name: nameSchema }), cartridgeSummarySchema),
} as const
