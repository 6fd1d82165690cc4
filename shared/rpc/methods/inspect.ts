/** Looking inside: what a cartridge holds, how two differ, why a prompt missed, and the proof. Nothing here changes anything. */
import { z } from 'zod'
import { civilTimeSchema, lossSchema, recipeSchema } from '../../domain/cartridge.ts'
import { componentIdSchema, componentSchema } from '../../domain/component.ts'
import { method } from '../method.ts'
import { cartridgeSummarySchema, count, refSchema } from './views.ts'

export const inspectMethods = {
  /** Reads the whole context again and compares: what "prove it" shows. */
  'packets.prove': method(
    z.strictObject({
      ref: refSchema,
      delta: z.string(),
      /** The delta is what the user said in a turn of a conversation. */
      chat: z.boolean().default(false),
      outputTokenIds: z.array(count),
    }),
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
      spans: z.array(z.strictObject({ kind: z.string(), start: count, end: count, from: z.string().optional() })),
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
        /** How the texts were read through it; null where they were not. */
        chat: recipeSchema.shape.chat.unwrap().nullable(),
      }),
      format: z.strictObject({
        version: count,
        dtype: z.string(),
        blockTokens: count,
        blocks: z.array(z.string()),
        loss: lossSchema.nullable(),
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
          /** Who wrote, in the cartridge, the token at which the two part; null for a hit. */
          part: z.enum(['system prompt', 'date', 'template', 'text']).nullable(),
          /** What its chat template was told when it asked for the date. */
          time: civilTimeSchema.nullable(),
          before: z.string(),
          prompt: z.string(),
          cartridgeText: z.string(),
        })
        .nullable(),
    }),
  ),
} as const
