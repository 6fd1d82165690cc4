/** One question of a conversation and what came back. */
import { z } from 'zod'
import { digestSchema } from '../../domain/cartridge.ts'
import { count, tokenCountsSchema } from './views.ts'

/** Whoever begins a conversation chooses its id. */
export const conversationIdSchema = z.string().regex(/^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/, 'a UUID')
/** `each`: every cartridge in the slots answers. `route`: the one that the question is about. */
export const askingSchema = z.enum(['each', 'route'])
export type Asking = z.infer<typeof askingSchema>

export const questionSchema = z.string().trim().min(1).max(20_000)
export const longestSchema = z.number().int().min(1).max(2048)

/** A piece of an answer as it comes, whole characters; `of` says which of the two that a comparison asks for. */
export const answerItemSchema = z.strictObject({ of: z.enum(['with', 'without']), text: z.string() })

export const turnSchema = z.strictObject({
  id: z.string(),
  conversationId: conversationIdSchema,
  /** The turn it stands below; null: it begins the conversation. Turns below the same one are branches. */
  previousId: z.string().nullable(),
  /** The turn whose state it went on from; null: the cartridge as it was, or the bare model that has read nothing. */
  parentId: z.string().nullable(),
  /** The first answer to the same question, by another cartridge, where several were asked; null for that one itself. */
  besideId: z.string().nullable(),
  /** How the cartridge was chosen among those in the slots; null where nothing was to be chosen. */
  routed: z
    .strictObject({
      /** Share of what the question says that it accounts for: 0 to 1; see `library.suggest`. */
      accountsFor: z.number().min(0).max(1),
      /** In the slots. */
      among: count,
      /** Those that were looked at, too, best first. */
      others: z.array(z.strictObject({ packetId: digestSchema, name: z.string(), accountsFor: z.number() })),
      tokensProcessed: count,
    })
    .nullable(),
  /** The cartridge that was asked; null: the bare model. */
  rootPacketId: digestSchema.nullable(),
  question: z.string(),
  /** The question as it was read: phrased for the model. */
  delta: z.string(),
  answer: z.string(),
  outputTokenIds: z.array(count),
  /** The token that ended the answer; null when another thing did, or nobody recorded it. */
  stopTokenId: count.nullable(),
  /** The answer of the bare model to the same question, when it was asked for. */
  without: z.strictObject({ answer: z.string(), tokens: count, seconds: z.number() }).nullable(),
  /** The installed model that answered; null where nobody recorded it. */
  model: z.string().nullable(),
  /** State before and after this turn. */
  fromPacketId: digestSchema.nullable(),
  packetId: digestSchema.nullable(),
  /** Whether the state after it is there to go on from. */
  stateKept: z.boolean(),
  tokens: tokenCountsSchema,
  seconds: z.number(),
  finishReason: z.string(),
  receiptId: z.string(),
  /** What the model expected was recorded: `receipts.trace` of `receiptId` has it. */
  traced: z.boolean(),
  at: z.string(),
})
export type Turn = z.infer<typeof turnSchema>
