/** Receipts: one per operation, signed and chained. */
import { z } from 'zod'
import { method } from '../method.ts'
import { count, receiptViewSchema } from './views.ts'

/** Programs print digests in either case. */
const receiptIdSchema = z.string().trim().toLowerCase()

const traceStepSchema = z.strictObject({
  id: count,
  text: z.string(),
  /** `-log2 p`; null for the first token of a context, which nothing predicts. */
  surprisalBits: z.number().nullable(),
  probability: z.number().nullable(),
  top: z.array(z.strictObject({ id: count, text: z.string(), probability: z.number() })),
})
export type TraceStep = z.infer<typeof traceStepSchema>

export const receiptMethods = {
  'receipts.list': method(
    z.strictObject({
      op: z.string().optional(),
      packetId: z.string().optional(),
      offset: count.default(0),
      limit: z.number().int().min(1).max(1000).default(100),
      /** Newest first unless `ascending`. */
      ascending: z.boolean().default(false),
    }),
    z.strictObject({
      receipts: z.array(receiptViewSchema),
      total: count,
      ops: z.record(z.string(), count),
      /** What those that are here of the cartridges they are about are called, by `packet_id`. */
      names: z.record(z.string(), z.string()),
    }),
  ),
  'receipts.get': method(
    z.strictObject({ id: receiptIdSchema }),
    z.strictObject({
      receipt: receiptViewSchema,
      /** What the cartridge it is about is called; null: it is about none, or that one is gone. */
      name: z.string().nullable(),
      statement: z.unknown(),
      /** RFC 6962 proof that the receipt is in the log of now. */
      inclusion: z.unknown(),
      keyId: z.string(),
      /** A logits trace was recorded: `receipts.trace` has it while its cartridge is here. */
      traced: z.boolean(),
    }),
  ),
  'receipts.verify': method(
    z.strictObject({ checkpoint: z.string().optional() }),
    z.strictObject({
      ok: z.boolean(),
      count,
      verified: count,
      rootHash: z.string(),
      /** The first break: its index in the log and what is wrong there. */
      problem: z.strictObject({ index: count, reason: z.string() }).nullable(),
      checkpoint: z.string(),
      seconds: z.number(),
    }),
  ),
  /**
   * Closes a log that does not hold and begins a new one; the old one stays beside it, in the folder `aside` of the receipts.
   * `E_CONFLICT` when the log holds.
   */
  'receipts.begin': method(z.strictObject({}), z.strictObject({ receipt: receiptViewSchema, aside: z.string() })),
  'receipts.export': method(
    z.strictObject({}),
    z.strictObject({ fileName: z.string(), bytes: z.instanceof(Uint8Array) }),
  ),
  /**
   * The logits trace recorded with an infer receipt: what the model expected at each position, and how surprising the token
   * that came was. `readBits` is the information content of the delta.
   */
  'receipts.trace': method(
    z.strictObject({ id: receiptIdSchema }),
    z.strictObject({
      read: z.array(traceStepSchema),
      generated: z.array(traceStepSchema),
      readBits: z.number(),
      generatedBits: z.number(),
    }),
  ),
  /** Runs the operation of a receipt again: same inputs must give the same operation_id. */
  'receipts.replay': method(
    z.strictObject({ id: receiptIdSchema }),
    z.strictObject({
      same: z.boolean(),
      operationId: z.string(),
      replayedOperationId: z.string(),
      differences: z.array(z.string()),
    }),
  ),
} as const
