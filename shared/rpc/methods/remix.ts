/** Remix: new cartridges out of old ones. */
import { z } from 'zod'
import { digestSchema } from '../../domain/cartridge.ts'
import { MOST_COMPOSED, MOST_MIXED } from '../../domain/mostTogether.ts'
import { nameSchema } from '../../domain/name.ts'
import { method } from '../method.ts'
import { cartridgeSummarySchema, count, receiptViewSchema, refSchema } from './views.ts'

const parentsSchema = z
  .array(z.strictObject({ ref: refSchema, weight: z.number().min(0).max(1) }))
  .min(2)
  .max(MOST_MIXED)

export const remixMethods = {
  /** Weighted mean of SSM states (Statecraft's `combine_states`); refused for KV, where merge is the right verb. */
  'remix.mix': method(
    z.strictObject({ parents: parentsSchema, name: nameSchema.optional() }),
    z.strictObject({ cartridge: cartridgeSummarySchema, receipt: receiptViewSchema }),
  ),
  /** Answers of a mix that is not stored, and how faithful it is. */
  'remix.preview': method(
    z.strictObject({ parents: parentsSchema, questions: z.array(z.string()).max(40) }),
    z.strictObject({
      answers: z.array(
        z.strictObject({
          question: z.string(),
          answer: z.string(),
          /** What each parent answers itself, in their order; `right` when it is about its text and that says so, `kept` when the mix says the same then. */
          parents: z.array(z.strictObject({ answer: z.string(), right: z.boolean(), kept: z.boolean() })),
        }),
      ),
      /** How many of each parent's right answers there are, and how many of them the mix still gives. */
      kept: z.array(z.strictObject({ packetId: digestSchema, kept: count, right: count })),
      /** Kullback-Leibler divergence of next-token distributions against reading the concatenated texts, bits. */
      kl: z.number().nullable(),
    }),
  ),
  /** Reads the sources of several cartridges again, in the given order, into one exact state. */
  'remix.compose': method(
    z.strictObject({ refs: z.array(refSchema).min(1).max(MOST_COMPOSED), name: nameSchema.optional() }),
    z.strictObject({
      cartridge: cartridgeSummarySchema,
      receipt: receiptViewSchema,
      tokensProcessed: count,
      cacheHit: z.boolean(),
      /** What a person should know: what of the parts was not taken over, and how the texts were read. */
      notes: z.array(z.string()),
    }),
  ),
} as const
