/**
 * The cartridge config: what a state is, which model it belongs to, and how to restore it. Stored as RFC 8785 bytes under
 * `application/vnd.statepack.state.v1+json`. Nothing in it depends on the clock, the machine or a random value.
 * docs/format.md is the authority for every field.
 */
import { z } from 'zod'
import { componentSchema } from './component.ts'
import { type Digest, isDigest } from './digest.ts'
import { saidMessageSchema, toolsOf } from './tool.ts'

export const FORMAT_VERSION = 1
/** Tokens in one stored KV block. */
export const BLOCK_TOKENS = 64
/** Longest name of a source, a model or a precision, UTF-16 units: shown in one line. */
export const TITLE_LENGTH = 500
/** Most parents of one cartridge: each is a line of its lineage. */
export const MAX_PARENTS = 1000

export const digestSchema = z.custom<Digest>(isDigest, 'not a sha256 digest')
const count = z.number().int().nonnegative()
const title = z.string().max(TITLE_LENGTH)

export const stateKindSchema = z.enum(['kv', 'ssm', 'hybrid'])
export type StateKind = z.infer<typeof stateKindSchema>

/** How stored state tensors are encoded; the graph itself computes in float32. */
export const stateDtypeSchema = z.enum(['float32', 'float16', 'int8', 'float8_e4m3'])
export type StateDtype = z.infer<typeof stateDtypeSchema>

export const precisionSchema = z.enum(['float32', 'float16', 'int8', 'int4'])
export type Precision = z.infer<typeof precisionSchema>

/** Which model a state belongs to. Equal fingerprints mean equal bytes of config, weights and tokenizer. */
export const fingerprintSchema = z.strictObject({
  name: title,
  architecture: title,
  configDigest: digestSchema,
  weightsDigest: digestSchema,
  tokenizerDigest: digestSchema.nullable(),
  precision: title,
})
export type Fingerprint = z.infer<typeof fingerprintSchema>

/** A run of tokens of one origin; edges of `generated` and `special` segments are hard tokenisation boundaries. */
const segmentSchema = z.strictObject({
  kind: z.enum(['text', 'generated', 'special']),
  start: count,
  end: count,
})
export type Segment = z.infer<typeof segmentSchema>

const originSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('tokens') }),
  z.strictObject({
    kind: z.literal('mix'),
    parents: z.array(z.strictObject({ contextId: digestSchema, weight: z.number() })).min(1),
  }),
  /** Its first tokens, and the texts that they are of, were left out by who shared it: those of this context. */
  z.strictObject({ kind: z.literal('withheld'), contextId: digestSchema, tokens: count.positive() }),
])
export type Origin = z.infer<typeof originSchema>

/**
 * A span of tokens that did not come from the user's own text, recorded so that hidden prompts can be seen; `spelled`: a
 * control token that the text spells out, read as plain text.
 */
const promptSpanSchema = z.strictObject({
  kind: z.enum(['system', 'template', 'control', 'spelled', 'user', 'assistant']),
  start: count,
  end: count,
  /** Of control tokens: who wrote them. */
  from: z.enum(['template', 'system', 'text', 'user']).optional(),
})
export type PromptSpan = z.infer<typeof promptSpanSchema>

/** How many tokens of a state are not told, from its first on. */
export function withheldTokens({ origin }: { readonly origin: Origin }): number {
  return origin.kind === 'withheld' ? origin.tokens : 0
}

/** How far the stored dtype moved the logits, measured at creation; null for a lossless dtype. */
export const lossSchema = z.strictObject({
  /** Kullback-Leibler divergence of the restored next-token distributions, bits: the mean over the last positions. */
  klBits: z.number(),
  /** The most likely token stays the same at all of them. */
  top1: z.boolean(),
  maxAbsDiff: z.number(),
})

/**
 * One SSM layer's state: convolution history `[channels, kernel - 1]`, recurrent state `[heads, headDim, state]` or
 * `[channels, state]`. A layer that has only one of the two keeps a single zero, `[1]`, in the other's place.
 */
const ssmLayerSchema = z.strictObject({ layer: count, conv: z.array(count), ssm: z.array(count) })

/** Whether a layer has a recurrent state besides its convolution's history. */
export function hasRecurrence({ ssm }: { readonly ssm: readonly number[] }): boolean {
  return ssm.length > 1
}
const kvLayerSchema = z.strictObject({ layer: count, kvHeads: count, headDim: count })

function isInOrder(entries: readonly { readonly layer: number }[]): boolean {
  return entries.every(({ layer }, i) => layer > (entries[i - 1]?.layer ?? -1))
}

/** A state that was taken from storage and grown more often than this is read again from its texts instead. */
export const MAX_ROUNDINGS = 1000

export const cacheSchema = z.strictObject({
  formatVersion: z.literal(FORMAT_VERSION),
  dtype: stateDtypeSchema,
  blockTokens: count,
  kv: z.array(kvLayerSchema).refine(isInOrder, 'a layer twice, or out of order'),
  ssm: z.array(ssmLayerSchema).refine(isInOrder, 'a layer twice, or out of order'),
  /** Digests of the KV block layers in order, then of the SSM snapshot when there is one. */
  blocks: z.array(digestSchema),
  loss: lossSchema.nullable(),
  /**
   * Numbers of tokens after which the state was taken from storage in this dtype, ascending: what came after was computed from
   * rounded numbers. Only where rounding shows (int8, float8).
   */
  rounded: z
    .array(count.positive())
    .min(1)
    .max(MAX_ROUNDINGS)
    .refine(places => places.every((place, i) => place > (places[i - 1] ?? 0)), 'not ascending')
    .optional(),
})

const positionSchema = z.strictObject({
  scheme: z.enum(['learned', 'rotary', 'none']),
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.number())])),
  next: count,
})

export const parentSchema = z.strictObject({
  packetId: digestSchema,
  op: z.enum(['merge', 'infer', 'compact', 'mix', 'compose', 'truncate']),
  deltaDigest: digestSchema.nullable(),
})

export const cartridgeConfigSchema = z.strictObject({
  formatVersion: z.literal(FORMAT_VERSION),
  kind: stateKindSchema,
  origin: originSchema,
  model: fingerprintSchema,
  tokens: z.strictObject({ count, digest: digestSchema }),
  tail: z.strictObject({ text: z.string(), digest: digestSchema }),
  segments: z.array(segmentSchema),
  cache: cacheSchema,
  position: positionSchema,
  /** Run-length pairs `[value, length]`. Every token is attended to, so there is one run, or none for no token. */
  attentionMask: z.array(z.tuple([z.literal(1), count])).max(1),
  promptMeta: z.strictObject({ spans: z.array(promptSpanSchema), controlTokensInText: count }),
  components: z.array(componentSchema).length(12),
  parents: z.array(parentSchema).max(MAX_PARENTS),
})
export type CartridgeConfig = z.infer<typeof cartridgeConfigSchema>

/** A moment as a calendar and a clock on the wall show it, without a time zone. */
export const civilTimeSchema = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$/, 'a moment like 2026-01-31T18:30:00 is expected')
export const controlTokensSchema = z.enum(['text', 'control'])

/**
 * How to rebuild a cartridge: the Dockerfile to its image. Followed on the sources, it gives every token, segment and span,
 * and the held-back tail. The n-th `read` step names the n-th source layer.
 */
export const recipeSchema = z.strictObject({
  version: z.literal(1),
  steps: z.array(
    z.discriminatedUnion('do', [
      z.strictObject({
        do: z.literal('read'),
        source: digestSchema,
        name: title,
        /** What took the text out of a document, with its version; absent where the text was given as it is. */
        extractor: z.string().max(100).optional(),
        /** Read after what is there, without a gap. Absent: joined with its neighbours by a blank line, then read. */
        join: z.literal('append').optional(),
        /** The text tokenised alone, as State Pack does; absent: as if the whole had been read at once. */
        seam: z.literal('concat').optional(),
        /**
         * The bytes of the source that people said (start, end): the question of a turn, or the messages of a conversation
         * that was read at once, the user's and the assistant's alternately. The rest is the chat template's.
         */
        said: z
          .array(count)
          .min(2)
          .refine(said => said.length % 2 === 0)
          .optional(),
        /**
         * Of a turn with tools (a call, what it gave, or a conversation that has any): its messages as the chat template was
         * given them, which `said` alone does not tell.
         */
        messages: z.array(saidMessageSchema).min(1).optional(),
        /** The bytes of the source (start, end) that are the system prompt, where a conversation begins with this text. */
        system: z.tuple([count, count]).optional(),
        /** Of an appended text: how control tokens that it spells out were read, where that was said for it alone. */
        controlTokens: controlTokensSchema.optional(),
      }),
      /** Texts that are not told, first of all: the cartridge was called `name` by who left them out. */
      z.strictObject({ do: z.literal('withheld'), name: title }),
      /** What was held back is read, too: nothing follows it. */
      z.strictObject({ do: z.literal('flush') }),
      /** Only the first tokens of what was read are kept. */
      z.strictObject({ do: z.literal('first'), tokens: count }),
      /** Tokens that the model wrote, taken over as they stand in the token buffer. */
      z.strictObject({ do: z.literal('generated'), tokens: count }),
      z.strictObject({
        do: z.literal('mix'),
        parents: z.array(z.strictObject({ packetId: digestSchema, weight: z.number() })),
      }),
    ]),
  ),
  systemPrompt: z.string().nullable(),
  template: z.boolean(),
  /** How the template was used; absent in cartridges made before it was recorded, and where it was not. */
  chat: z
    .strictObject({
      /** Where the texts stand: in the system message, or at the beginning of the first user message. */
      document: z.enum(['system', 'user']),
      /** What the template was told when it asked for the date: fixed at creation, for every later turn. */
      time: civilTimeSchema.optional(),
    })
    .optional(),
  /** Tools that the conversation began with: a JSON text, since the order of an object's members is read, too. */
  tools: z
    .string()
    .refine(text => toolsOf(text) !== null, 'no list of tools')
    .optional(),
  /** How control tokens that the texts spell out were read; absent: none, or (before it was recorded) as control tokens. */
  controlTokens: controlTokensSchema.optional(),
})
export type Recipe = z.infer<typeof recipeSchema>
