/** Conversations: every question, answer and draft, kept by the engine and followed by every window. */
import { z } from 'zod'
import { digestSchema } from '../../domain/cartridge.ts'
import { nameSchema } from '../../domain/name.ts'
import { MOST_SLOTS } from '../../domain/slots.ts'
import { method, streaming } from '../method.ts'
import { answerItemSchema, askingSchema, conversationIdSchema, longestSchema, turnSchema } from './turn.ts'
import { count, samplingSchema } from './views.ts'

const slotsSchema = z.array(digestSchema).max(MOST_SLOTS)

const draftSchema = z.string().max(20_000)

/** A question that was put and has no answer yet. */
const pendingSchema = z.strictObject({
  question: z.string(),
  previousId: z.string().nullable(),
  parentId: z.string().nullable(),
})

const conversationFields = {
  id: conversationIdSchema,
  /** As somebody called it, else its first question or its draft. */
  name: z.string(),
  /** The cartridges in the slots; none: the bare model answers. */
  slots: slotsSchema,
  /** Whom of several a question goes to; null: nobody chose. */
  asking: askingSchema.nullable(),
  /** The bare model that answers while the slots are empty; null: the default. */
  model: z.string().nullable(),
  draft: z.string(),
  createdAt: z.string(),
  /** When it was last asked something, or its draft changed. */
  updatedAt: z.string(),
}

const listedConversationSchema = z.strictObject({
  ...conversationFields,
  turns: count,
  /** What is in the slots: a collection, or the first cartridge; null: nothing, or it was deleted. */
  cartridge: z.string().nullable(),
  /** In the slots besides that. */
  others: count,
  /** The question of the first turn that holds what was searched for. */
  found: z.string().nullable(),
})
export type ListedConversation = z.infer<typeof listedConversationSchema>

const conversationSchema = z.strictObject({
  ...conversationFields,
  /** What the bare model is told before the first question; empty: nothing. */
  system: z.string(),
  /** The turn that the next question is put below; null: it begins. */
  headId: z.string().nullable(),
  /** Grows with every change of the draft. */
  draftRevision: count,
  /** `answering`: this engine is at it now. */
  pending: pendingSchema.extend({ answering: z.boolean() }).nullable(),
  /** What the cartridges are called that are in the slots or answered, by packet_id; those that are gone are left out. */
  names: z.record(z.string(), z.string()),
  /** All of them, oldest first; a tree through `previousId`. */
  turns: z.array(turnSchema),
})
export type ConversationView = z.infer<typeof conversationSchema>

const ids = z.strictObject({ ids: z.array(conversationIdSchema).min(1).max(1000) })

export const conversationMethods = {
  'conversations.list': method(
    z.strictObject({
      /** Words, each of which must be part of name, draft, cartridge, a question or an answer. */
      query: z.string().max(1000).default(''),
      /** Those with these cartridges in the slots, in this order. */
      slots: slotsSchema.optional(),
      offset: count.default(0),
      limit: z.number().int().min(1).max(500).default(100),
    }),
    /** The one that was used last comes first. */
    z.strictObject({ items: z.array(listedConversationSchema), total: count }),
  ),
  'conversations.get': method(z.strictObject({ id: conversationIdSchema }), conversationSchema),
  /** Begins the conversation with this id, which the caller chose, or changes it. `E_NOT_FOUND` for one that was deleted. */
  'conversations.save': method(
    z.strictObject({
      id: conversationIdSchema,
      /** null: by its first question again. */
      name: nameSchema.nullable().optional(),
      slots: slotsSchema.optional(),
      asking: askingSchema.optional(),
      model: z.string().nullable().optional(),
      /** Fixed once the bare model was asked (`E_CONFLICT`): it stands at the beginning of what it has read. */
      system: draftSchema.optional(),
      /** Go back to a turn, or to another branch: to the newest turn below it with `newest`. */
      head: z.strictObject({ id: z.string().nullable(), newest: z.boolean().default(false) }).optional(),
      draft: draftSchema.optional(),
      /** Give up the question that has no answer. */
      pending: z.null().optional(),
    }),
    z.strictObject({ draftRevision: count }),
  ),
  /** `conversations.restore` undoes it for a day; then texts are gone for good, and with them the states they led to. */
  'conversations.delete': method(ids, z.strictObject({ deleted: count })),
  'conversations.restore': method(ids, z.strictObject({ restored: count })),
  /** What is on screen of it, as Markdown. */
  'conversations.export': method(
    z.strictObject({ id: conversationIdSchema }),
    z.strictObject({ fileName: z.string(), markdown: z.string() }),
  ),
  /** Puts the question of a turn to the bare model, and keeps what it answers beside the answer with the cartridge. */
  'conversations.eject': streaming(
    z.strictObject({
      turnId: z.string(),
      maxNewTokens: longestSchema.default(64),
      sampling: samplingSchema.optional(),
    }),
    turnSchema,
    { sends: answerItemSchema },
  ),
  /** Reads a conversation again up to a turn, where the state after it is no longer stored. */
  'conversations.reread': method(
    z.strictObject({ turnId: z.string() }),
    z.strictObject({ turn: turnSchema, tokensProcessed: count }),
  ),
} as const
