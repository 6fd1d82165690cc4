/** Packets: making, checking and extending. */
import { z } from 'zod'
import { civilTimeSchema, controlTokensSchema, digestSchema, stateDtypeSchema } from '../../domain/cartridge.ts'
import { nameSchema } from '../../domain/name.ts'
import { callPartSchema, saidMessageSchema, toolChoiceSchema, toolsSchema } from '../../domain/tool.ts'
import { method, streaming } from '../method.ts'
import {
  cartridgeSummarySchema,
  checkSchema,
  count,
  inferResultSchema,
  receiptViewSchema,
  refSchema,
  reuseFields,
  samplingSchema,
  verifiedLevelSchema,
} from './views.ts'

export const sourceSchema = z.strictObject({
  name: z.string().normalize('NFC').max(300).default('text'),
  text: z.string(),
  /** As `documents.extract` gave it: recorded in the recipe. */
  extractor: z.string().max(100).optional(),
})

export const deltaPacketSchema = z.strictObject({
  version: z.literal('state-delta-v1'),
  packet_id: digestSchema,
  context_id: digestSchema,
  model: z.string(),
  delta_sha256: z.string(),
  delta_bytes: count,
  delta_text: z.string(),
})

export const createdSchema = z.strictObject({
  cartridge: cartridgeSummarySchema,
  receipt: receiptViewSchema,
  /** True when this context was already stored: nothing was read again. */
  cacheHit: z.boolean(),
  tokensProcessed: count,
  ...reuseFields,
  /** Until it was stored, and of them those in which the model read; without the time in which it was held. */
  seconds: z.number(),
  secondsReading: z.number(),
  bytesWritten: count,
  /** What a person should know about how the text was read. */
  notes: z.array(z.string()),
})
export type Created = z.infer<typeof createdSchema>

const mergedSchema = createdSchema.extend({
  /** The compaction policy had the chain folded; `tokensProcessed` and `seconds` count that too. */
  compacted: z.boolean(),
  /** The receipt of that; `receipt` is the merge's. */
  compactReceipt: receiptViewSchema.nullable(),
})

/**
 * Go on although the model was edited since the cartridge was made (its chat template, a setting), when weights, geometry and
 * token ids are the same. The receipt records it, and the new state belongs to the model as it is now.
 */
const acceptEdits = z.boolean().default(false)

const chatOptions = {
  /** Open a conversation with the sources, through the model's chat template. */
  template: z.boolean().default(false),
  /** What a template that asks for the date is told; default the date of an earlier reading of the same sources, or now. */
  time: civilTimeSchema.optional(),
  /** How control tokens that the sources spell out are read; default `text`. */
  controlTokens: controlTokensSchema.optional(),
}

/** How texts are read into cartridges, whoever gives the texts. */
export const readingFields = {
  model: z.string(),
  systemPrompt: z.string().optional(),
  ...chatOptions,
  dtype: stateDtypeSchema.optional(),
  name: nameSchema.optional(),
  /** Called this where no name is given, with a number behind it when that is taken. */
  title: z.string().max(300).optional(),
  card: z.string().max(20_000).optional(),
}
/**
 * What was said in a conversation before: the user and the assistant alternately, what tools gave after their calls, an answer
 * last. Where it ends with what a tool gave nothing is asked: the delta is empty. After a state: such results only.
 */
const turns = z.array(saidMessageSchema).max(10_000).optional()
/** Keep only the first N tokens of a text that is too long. */
export const firstTokens = z.number().int().positive().optional()

export const packetMethods = {
  'packets.estimate': method(
    z.strictObject({
      model: z.string(),
      sources: z.array(sourceSchema).min(1),
      systemPrompt: z.string().optional(),
      ...chatOptions,
      /** How the state would be stored. */
      dtype: stateDtypeSchema.optional(),
      /** Each source becomes a cartridge of its own. */
      each: z.boolean().default(false),
    }),
    z.strictObject({
      tokens: count,
      /** Measured on a sample, so the figures are about right: of texts over 262,144 characters. */
      approximate: z.boolean(),
      contextLength: count.nullable(),
      /** How much one cartridge takes, so that a question and an answer still fit; null where any length does. */
      mostTokens: count.nullable(),
      fits: z.boolean(),
      /** Whether each is short enough for one cartridge whatever the model holds; longer ones can only be split. */
      readsAtOnce: z.boolean(),
      /** How many cartridges it makes, those of a split included. */
      parts: count,
      /** Those that become several cartridges, by the name of their first source; about how many, where it was measured on a sample. */
      tooLong: z.array(z.strictObject({ name: z.string(), parts: count, approximate: z.boolean() })),
      /** Of the cartridges, about. */
      bytes: count,
      estimatedSeconds: z.number().nullable(),
      /** Control tokens that the text spells out; about as many, where `approximate`, and then `notes` do not tell which. */
      controlTokensInText: count,
      /** What a person should know about how the text will be read. */
      notes: z.array(z.string()),
    }),
  ),
  'packets.create': method(
    z.strictObject({
      sources: z.array(sourceSchema).min(1),
      ...readingFields,
      firstTokens,
      /** `concat` reproduces State Pack's own counting. */
      seam: z.enum(['exact', 'concat']).default('exact'),
    }),
    createdSchema,
  ),
  /**
   * Ends sentences of the cartridge's own text from its state and from the bare model: what only the state can end is
   * remembered. At most 10 sentences count, of 16 that are tried; the result is kept with the cartridge.
   */
  'packets.spotCheck': method(
    z.strictObject({ ref: refSchema }),
    z.strictObject({ recalled: count, checked: count, tried: count, seconds: z.number() }),
  ),
  /** A text longer than the context becomes several cartridges, cut at paragraph or sentence ends. */
  'packets.createSplit': method(
    z.strictObject({ sources: z.array(sourceSchema).min(1), ...readingFields }),
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
      /** The largest difference as a share of the largest value of its tensor, logits included: what the tolerance is about. */
      maxShare: z.number().nullable(),
      /** The largest root mean square of a tensor's differences, as a share of that of its values. */
      rmsShare: z.number().nullable(),
      tokensProcessed: count,
      /** Of a sampled check: the chance that one tampered block would have been caught. */
      detectionProbability: z.number().nullable(),
      /** Tokens said to be the model's own that it would not have chosen: then an import stays restricted. */
      unprovenTokens: count,
      receipt: receiptViewSchema,
    }),
  ),
  'packets.tokenize': method(
    z.strictObject({
      model: z.string().optional(),
      ref: refSchema.optional(),
      text: z.string(),
    }),
    z.strictObject({
      tokens: z.array(count),
      count,
      /** SHA-256 of the compact JSON of the ids: State Pack's token trace. */
      tokenTrace: z.string(),
      pieces: z.array(z.string()),
    }),
  ),
  /** How many tokens a text has. No model runs, and nothing is decoded. */
  'packets.count': method(
    z.strictObject({
      model: z.string().optional(),
      ref: refSchema.optional(),
      text: z.string(),
      /** As a question: what asking it would read, the template around it and what the state holds back included. */
      chat: z.boolean().default(false),
      /** Of a conversation that it begins, as in `packets.infer`: system prompt, earlier turns, tools. */
      system: z.string().optional(),
      turns,
      tools: toolsSchema.optional(),
    }),
    z.strictObject({
      count,
      /** Tokens that the state which is named has read: with `count` the whole context of a question. */
      before: count,
    }),
  ),
  'packets.delta': method(
    z.strictObject({ ref: refSchema, delta: z.string() }),
    z.strictObject({ packet: deltaPacketSchema, tokens: count, receipt: receiptViewSchema }),
  ),
  'packets.infer': streaming(
    z.strictObject({
      /** Absent: the question is read by the bare model, without any cartridge. */
      ref: refSchema.optional(),
      model: z.string().optional(),
      delta: z.string(),
      /** The delta is what the user says: the next turn of a conversation, in the model's chat template. */
      chat: z.boolean().default(false),
      /** System prompt of a conversation that begins here, without a cartridge. */
      system: z.string().optional(),
      turns,
      /** Tools that the model may call, of a conversation that begins here; after a state those that it began with. */
      tools: toolsSchema.optional(),
      toolChoice: toolChoiceSchema.default('auto'),
      /** Of a state that begins here, without a cartridge. */
      dtype: stateDtypeSchema.optional(),
      /** Also the log-probabilities of the answer's tokens, with so many alternatives. */
      logprobs: z.number().int().min(0).max(20).optional(),
      /** Texts that end the answer. A conversation also ends it where its template would go on. */
      stop: z.array(z.string().min(1).max(200)).max(16).default([]),
      /** The answer is JSON that follows this schema, as far as it comes. */
      jsonSchema: z.record(z.string(), z.unknown()).optional(),
      controlTokens: controlTokensSchema.optional(),
      acceptEdits,
      maxNewTokens: z.number().int().min(0).max(4096).default(32),
      sampling: samplingSchema.optional(),
      keepOutput: z.boolean().default(false),
      /** `retained`: on disk, and given up some time after its last use unless somebody makes it their own. */
      persist: z.enum(['durable', 'retained', 'memory']).default('durable'),
      /** Record a logits trace: top-k ids and log-probabilities per position. */
      trace: z.boolean().default(false),
      seam: z.enum(['exact', 'concat']).default('exact'),
    }),
    inferResultSchema,
    {
      /** The answer as it comes, whole characters; `of`: they belong to the call of a tool that it makes. */
      sends: z.strictObject({ text: z.string(), of: callPartSchema.optional() }),
    },
  ),
  'packets.merge': method(
    z.strictObject({
      ref: refSchema,
      delta: z.string(),
      name: nameSchema.optional(),
      controlTokens: controlTokensSchema.optional(),
      acceptEdits,
      seam: z.enum(['exact', 'concat']).default('exact'),
    }),
    mergedSchema,
  ),
  'packets.compact': method(
    z.strictObject({ ref: refSchema, dropSteps: z.array(count).default([]), name: nameSchema.optional() }),
    z.strictObject({ created: createdSchema, stepsFolded: count, bytesFreed: count, dropped: z.array(z.string()) }),
  ),
  'packets.resolve': method(
    /** `model` decides between the cartridges that several models have made of one text. */
    z.strictObject({ ref: refSchema, model: z.string().optional() }),
    z.strictObject({
      packetId: digestSchema,
      contextId: digestSchema,
      /** The text it began with (State Pack's base), then all it has read, where those are texts: UTF-8, bare hexadecimal. */
      texts: z.array(z.strictObject({ sha256: z.string(), bytes: count })),
      /** State Pack's measures of the state itself. */
      blobSha256: z.string(),
      blobBytes: count,
      /** Its names, in the order in which they were given. */
      names: z.array(z.string()),
      cartridge: cartridgeSummarySchema,
    }),
  ),
} as const
