/**
 * A receipt: what one operation read, wrote and cost. Field names are State Pack's where it has the field.
 * Three nested parts, each signed, only the first two named by an id (docs/format.md, "Receipts"):
 *   operation  what was done to what: equal on every machine with an equal environment -> `operation_id`
 *   place      `seq` and `prev`: where it stands in this log                            -> `receipt_id`
 *   observed   wall clock and durations: true, but never the same twice                 -> no id
 */
import { z } from 'zod'
import { digestSchema, fingerprintSchema } from './cartridge.ts'
import { hexOf, isDigest } from './digest.ts'
import { hexDigestSchema } from './hexDigest.ts'

export const RECEIPT_VERSION = 1
/** in-toto predicate type of a receipt. */
export const RECEIPT_PREDICATE = 'urn:statepack:receipt:v1'
export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1'

/** Kinds of operation. New ones go to the end: index.bin of a log stores their number. */
export const receiptOpSchema = z.enum([
  'create',
  'verify',
  'delta',
  'infer',
  'merge',
  'compact',
  'remix',
  'import',
  'export',
  'publish',
  'benchmark',
  'begin',
  'withhold',
])
export type ReceiptOp = z.infer<typeof receiptOpSchema>

const count = z.number().int().nonnegative()
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()])

/** Fields named `*_sha256` hold bare hexadecimal, as in State Pack; a draft may give a `Digest`, which is shortened. */
const hex = z
  .string()
  .transform(text => (isDigest(text) ? hexOf(text) : text))
  .pipe(hexDigestSchema)

/** Something an operation read or wrote, e.g. `{role: 'delta', digest}`. Order is part of the receipt. */
const artifactSchema = z.strictObject({ role: z.string().min(1), digest: digestSchema })
export type Artifact = z.infer<typeof artifactSchema>

/** State Pack's token account. `saved` = base + delta - processed; `savings_percent` of base + delta, four decimals. */
const tokenUseSchema = z.strictObject({
  base: count,
  delta: count,
  processed: count,
  saved: z.number().int(),
  savings_percent: z.number(),
})
export type TokenUse = z.infer<typeof tokenUseSchema>

const environmentSchema = z.strictObject({
  provider: z.string(),
  runtime_version: z.string(),
  threads: count.nullable(),
})
export type ReceiptEnvironment = z.infer<typeof environmentSchema>

/** What a model produced: digests only, so a receipt never repeats a text. */
const generationSchema = z.strictObject({
  token_count: count,
  /** SHA-256 of the int32 little-endian token ids. */
  token_ids_sha256: hex,
  /** SHA-256 of the float32 little-endian logits after the last folded token. */
  logits_sha256: hex.nullable(),
  /** SHA-256 of a recorded logits trace. */
  trace_sha256: hex.nullable(),
})
export type Generation = z.infer<typeof generationSchema>

const draftShape = {
  op: receiptOpSchema,
  ok: z.boolean().default(true),
  /** Error code of a failed operation. */
  error: z.string().nullable().default(null),
  inputs: z.array(artifactSchema).default([]),
  outputs: z.array(artifactSchema).default([]),
  packet_id: digestSchema.nullable().default(null),
  context_id: digestSchema.nullable().default(null),
  base_sha256: hex.nullable().default(null),
  blob_sha256: hex.nullable().default(null),
  delta_sha256: hex.nullable().default(null),
  bytes: count.nullable().default(null),
  tokens: tokenUseSchema.nullable().default(null),
  model: fingerprintSchema.nullable().default(null),
  environment: environmentSchema.nullable().default(null),
  /** Settings of the sampler, generator and seed included, so a sampled run replays; null when nothing was generated. */
  sampling: z.record(z.string(), scalar).nullable().default(null),
  generation: generationSchema.nullable().default(null),
  /** Further facts of this kind of operation, e.g. the level a verify reached. Not part of `operation_id`. */
  details: z.record(z.string(), scalar).default({}),
}

const observedShape = {
  /** When the operation ended, ISO 8601 in UTC. */
  at: z.iso.datetime(),
  /** How long it took, seconds. */
  seconds: z.number().nonnegative().nullable(),
  /** Seconds per named phase, e.g. `restore`, `prefill`. */
  phases: z.record(z.string(), z.number()),
}

/** What the part that did the work hands to the log; the log adds place, ids and signature. */
export const receiptDraftSchema = z.strictObject({
  ...draftShape,
  observed: z
    .strictObject({
      at: observedShape.at.optional(),
      seconds: observedShape.seconds.optional(),
      phases: observedShape.phases.optional(),
    })
    .default({}),
})
export type ReceiptDraft = z.input<typeof receiptDraftSchema>

/** The signed predicate, exactly as it stands in the log. */
const receiptPredicateSchema = z.strictObject({
  ...draftShape,
  v: z.literal(RECEIPT_VERSION),
  operation_id: digestSchema,
  seq: count,
  /** `receipt_id` of the receipt before; null for the first. */
  prev: digestSchema.nullable(),
  observed: z.strictObject({
    ...observedShape,
    /** `seq` of the first receipt written by the same disk flush: tells a torn write from a later edit. */
    group: count,
  }),
})
export type ReceiptPredicate = z.infer<typeof receiptPredicateSchema>

/** A receipt as the product shows it: the signed predicate with its id and the signing key's. */
export interface Receipt extends ReceiptPredicate {
  readonly receipt_id: z.infer<typeof digestSchema>
  readonly keyid: string
}

export const statementSchema = z.strictObject({
  _type: z.literal(STATEMENT_TYPE),
  subject: z.array(z.strictObject({ name: z.string(), digest: z.strictObject({ sha256: hexDigestSchema }) })).min(1),
  predicateType: z.literal(RECEIPT_PREDICATE),
  predicate: receiptPredicateSchema,
})
export type ReceiptStatement = z.infer<typeof statementSchema>

type Operation = Pick<
  ReceiptPredicate,
  'op' | 'ok' | 'error' | 'inputs' | 'outputs' | 'model' | 'environment' | 'sampling' | 'generation'
>

/** The deterministic part of a receipt: `operation_id` is the SHA-256 of its canonical JSON. */
export function operationPart(receipt: Operation) {
  const { op, ok, error, inputs, outputs, model, environment, sampling, generation } = receipt
  return { v: RECEIPT_VERSION, op, ok, error, inputs, outputs, model, environment, sampling, generation }
}

/** The statement without what was observed: `receipt_id` is the SHA-256 of its canonical JSON. */
export function receiptPart(statement: ReceiptStatement) {
  const { observed: _, ...predicate } = statement.predicate
  return { ...statement, predicate }
}

/** State Pack's token account from the three counts. Negative savings are shown as they are. */
export function tokenUse({ base, delta, processed }: { base: number; delta: number; processed: number }): TokenUse {
  const naive = base + delta
  const saved = naive - processed
  const savings_percent = naive === 0 ? 0 : Math.round((saved / naive) * 1e6) / 1e4
  return { base, delta, processed, saved, savings_percent }
}

/** What people call a receipt by: the first of a log is receipt 1, and the newest has the number of how many there are. */
export function receiptNumber(seq: number): number {
  return seq + 1
}
