/** Packets: making, checking, extending, moving and looking inside. */
import { z } from 'zod'
import { digestSchema, stateDtypeSchema } from '../../domain/cartridge.ts'
import { componentIdSchema, componentSchema } from '../../domain/component.ts'
import { method } from '../method.ts'
import {
  cartridgeSummarySchema,
  checkSchema,
  count,
  fingerprintSchema,
  inferResultSchema,
  receiptViewSchema,
  refSchema,
  samplingSchema,
  verifiedLevelSchema,
} from './views.ts'

const sourceSchema = z.strictObject({ name: z.string().max(300).default('text'), text: z.string() })
const bytesSchema = z.instanceof(Uint8Array)

export const deltaPacketSchema = z.strictObject({
  version: z.literal('state-delta-v1'),
  packet_id: digestSchema,
  context_id: digestSchema,
  model: z.string(),
  delta_sha256: z.string(),
  delta_bytes: count,
  delta_text: z.string(),
})

const createdSchema = z.strictObject({
  cartridge: cartridgeSummarySchema,
  receipt: receiptViewSchema,
  /** True when this context was already stored: nothing was read again. */
  cacheHit: z.boolean(),
  tokensProcessed: count,
  seconds: z.number(),
  bytesWritten: count,
})
export type Created = z.infer<typeof createdSchema>

const mergedSchema = createdSchema.extend({
  /** The compaction policy had the chain folded; `tokensProcessed` and `seconds` count that too. */
  compacted: z.boolean(),
  /** The receipt of that; `receipt` is the merge's. */
  compactReceipt: receiptViewSchema.nullable(),
})

export const packetMethods = {
  'packets.estimate': method(
    z.strictObject({
      model: z.string(),
      sources: z.array(sourceSchema).min(1),
      systemPrompt: z.string().optional(),
      template: z.boolean().default(false),
    }),
    z.strictObject({
      tokens: count,
      contextLength: count.nullable(),
      fits: z.boolean(),
      /** How many cartridges a split would make; 1 when it fits. */
      parts: count,
      stateBytes: count,
      estimatedSeconds: z.number().nullable(),
      controlTokensInText: count,
    }),
  ),
  'packets.create': method(
    z.strictObject({
      model: z.string(),
      sources: z.array(sourceSchema).min(1),
      systemPrompt: z.string().optional(),
      /** Render the sources as a system message through the model's chat template. */
      template: z.boolean().default(false),
      dtype: stateDtypeSchema.optional(),
      name: z.string().trim().max(200).optional(),
      card: z.string().max(20_000).optional(),
      /** Keep only the first N tokens of a text that is too long. */
      firstTokens: z.number().int().positive().optional(),
      /** `concat` reproduces State Pack's own counting. */
      seam: z.enum(['exact', 'concat']).default('exact'),
    }),
    createdSchema,
  ),
  /** A text longer than the context becomes several cartridges, cut at paragraph or sentence ends. */
  'packets.createSplit': method(
    z.strictObject({
      model: z.string(),
      sources: z.array(sourceSchema).min(1),
      dtype: stateDtypeSchema.optional(),
      name: z.string().optional(),
    }),
    z.strictObject({ parts: z.array(createdSchema) }),
  ),
  'packets.verify': method(
    z.strictObject({
      ref: refSchema,
      level: z.enum(['intact', 'signed', 'recomputed']).default('intact'),
      /** Replay only this many random blocks; earns the lesser `sampled` badge. */
      sample: z.number().int().positive().optional(),
    }),
    z.strictObject({
      ok: z.boolean(),
      level: verifiedLevelSchema,
      packetId: digestSchema,
      checks: z.array(checkSchema),
      maxAbsDiff: z.number().nullable(),
      tokensProcessed: count,
      /** Of a sampled check: the chance that one tampered block would have been caught. */
      detectionProbability: z.number().nullable(),
      receipt: receiptViewSchema,
    }),
  ),
  'packets.tokenize': method(
    z.strictObject({ model: z.string().optional(), ref: refSchema.optional(), text: z.string() }),
    z.strictObject({
      tokens: z.array(count),
      count,
      /** SHA-256 of the compact JSON of the ids: State Pack's token trace. */
      tokenTrace: z.string(),
      pieces: z.array(z.string()),
    }),
  ),
  'packets.delta': method(
    z.strictObject({ ref: refSchema, delta: z.string() }),
    z.strictObject({ packet: deltaPacketSchema, tokens: count, receipt: receiptViewSchema }),
  ),
  'packets.infer': method(
    z.strictObject({
      /** Absent: the question is read by the bare model, without any cartridge. */
      ref: refSchema.optional(),
      model: z.string().optional(),
      delta: z.string(),
      maxNewTokens: z.number().int().min(0).max(4096).default(32),
      sampling: samplingSchema.optional(),
      keepOutput: z.boolean().default(false),
      persist: z.enum(['durable', 'memory']).default('durable'),
      /** Record a logits trace: top-k ids and log-probabilities per position. */
      trace: z.boolean().default(false),
      seam: z.enum(['exact', 'concat']).default('exact'),
    }),
    inferResultSchema,
  ),
  /** Reads the whole context again and compares: what "prove it" shows. */
  'packets.prove': method(
    z.strictObject({ ref: refSchema, delta: z.string(), outputTokenIds: z.array(count) }),
    z.strictObject({
      sameOutput: z.boolean(),
      maxAbsDiff: z.number(),
      sameTopToken: z.boolean(),
      tokensFull: count,
      tokensState: count,
      secondsFull: z.number(),
      secondsState: z.number(),
    }),
  ),
  'packets.merge': method(
    z.strictObject({
      ref: refSchema,
      delta: z.string(),
      name: z.string().optional(),
      seam: z.enum(['exact', 'concat']).default('exact'),
    }),
    mergedSchema,
  ),
  'packets.compact': method(
    z.strictObject({ ref: refSchema, dropSteps: z.array(count).default([]), name: z.string().optional() }),
    z.strictObject({ created: createdSchema, stepsFolded: count, bytesFreed: count, dropped: z.array(z.string()) }),
  ),
  'packets.resolve': method(
    z.strictObject({ ref: refSchema }),
    z.strictObject({
      packetId: digestSchema,
      contextId: digestSchema,
      baseSha256: z.string().nullable(),
      cartridge: cartridgeSummarySchema,
    }),
  ),
  'packets.export': method(
    z.strictObject({ ref: refSchema }),
    z.strictObject({ fileName: z.string(), bytes: bytesSchema, receipt: receiptViewSchema }),
  ),
  /** Looks at a `.cartridge` file without writing anything to the library: what the import sheet shows. */
  'packets.review': method(
    z.strictObject({ bytes: bytesSchema }),
    z.strictObject({
      packetId: digestSchema,
      contextId: digestSchema,
      name: z.string(),
      bytes: count,
      tokens: count,
      kind: z.string(),
      model: fingerprintSchema,
      modelInstalled: z.boolean(),
      duplicate: z.boolean(),
      signedBy: z.string().nullable(),
      /** Text that anyone holding the file can read from it. */
      recoverableText: z.string(),
      secrets: z.array(z.strictObject({ kind: z.string(), excerpt: z.string() })),
      card: z.string(),
    }),
  ),
  'packets.import': method(
    z.strictObject({ bytes: bytesSchema, trust: z.boolean().default(false), name: z.string().optional() }),
    z.strictObject({ cartridge: cartridgeSummarySchema, duplicate: z.boolean(), receipt: receiptViewSchema }),
  ),
  'packets.inspect': method(
    z.strictObject({ ref: refSchema }),
    z.strictObject({
      summary: cartridgeSummarySchema,
      components: z.array(
        z.strictObject({
          component: componentSchema,
          /** Against the installed model; null when it is not installed. */
          matches: z.boolean().nullable(),
          shape: z.string(),
          bytes: count,
        }),
      ),
      /** Geometry of the cache; empty lists where a kind of state has none. */
      kv: z.array(z.strictObject({ layer: count, kvHeads: count, headDim: count })),
      ssm: z.array(z.strictObject({ layer: count, conv: z.array(count), ssm: z.array(count) })),
      tokens: z.array(z.strictObject({ id: count, text: z.string(), start: count, end: count })),
      text: z.string(),
      spans: z.array(z.strictObject({ kind: z.string(), start: count, end: count })),
      attentionMask: z.array(z.tuple([z.number(), z.number()])),
      position: z.strictObject({ scheme: z.string(), next: count, parameters: z.record(z.string(), z.unknown()) }),
      modelConfig: z.unknown(),
      norms: z.array(z.strictObject({ name: z.string(), digest: z.string(), shape: z.array(count) })),
      mixers: z.array(z.strictObject({ name: z.string(), digest: z.string(), shape: z.array(count) })),
      logits: z.array(z.strictObject({ id: count, text: z.string(), logit: z.number(), probability: z.number() })),
      tokenizer: z.strictObject({
        digest: z.string().nullable(),
        vocabSize: count,
        special: z.array(z.string()),
        chatTemplate: z.string().nullable(),
      }),
      format: z.strictObject({
        version: count,
        dtype: z.string(),
        blockTokens: count,
        blocks: z.array(z.string()),
        loss: z.unknown(),
      }),
    }),
  ),
  /**
   * Bulk numbers of one state tensor, drawn on canvas. Norms: `[rows, columns]` row-major. KV: rows = layers x heads,
   * columns = positions. SSM: rows = layers, columns = heads (or channels).
   */
  'packets.heatmap': method(
    z.strictObject({ ref: refSchema, tensor: z.enum(['key', 'value', 'ssm', 'conv']) }),
    z.strictObject({
      rows: count,
      columns: count,
      values: z.instanceof(Float32Array),
      rowLabels: z.array(z.string()),
      min: z.number(),
      max: z.number(),
    }),
  ),
  /** The values behind one cell of a heat map. KV: `[head_dim]` of one position. SSM: `[head_dim, state]` of one head. */
  'packets.tensor': method(
    z.strictObject({
      ref: refSchema,
      tensor: z.enum(['key', 'value', 'ssm', 'conv']),
      layer: count,
      head: count.default(0),
      position: count.default(0),
    }),
    z.strictObject({ shape: z.array(count), values: z.instanceof(Float32Array) }),
  ),
  'packets.compare': method(
    z.strictObject({ a: refSchema, b: refSchema }),
    z.strictObject({
      sameContext: z.boolean(),
      /** Index of the first token that differs, and both texts around it; null when one is a prefix of the other. */
      firstDifference: z.strictObject({ position: count, a: z.string(), b: z.string(), before: z.string() }).nullable(),
      commonTokens: count,
      components: z.array(z.strictObject({ id: componentIdSchema, equal: z.boolean(), a: z.string(), b: z.string() })),
      layers: z.array(z.strictObject({ name: z.string(), maxAbsDiff: z.number(), meanAbsDiff: z.number() })),
    }),
  ),
  /** Why a prompt did not find its prefix: the cartridge with the longest common prefix, and where they part. */
  'packets.whyMiss': method(
    z.strictObject({ model: z.string(), text: z.string() }),
    z.strictObject({
      tokens: count,
      best: z
        .strictObject({
          cartridge: cartridgeSummarySchema,
          commonTokens: count,
          hit: z.boolean(),
          before: z.string(),
          prompt: z.string(),
          cartridgeText: z.string(),
        })
        .nullable(),
    }),
  ),
} as const
