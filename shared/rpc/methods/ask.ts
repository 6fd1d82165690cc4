/** Ask: questions to a cartridge, or to the bare model. Each is a turn of a conversation, which one can rewind to or branch from. */
import { z } from 'zod'
import { digestSchema } from '../../domain/cartridge.ts'
import { nameSchema } from '../../domain/name.ts'
import { MOST_SLOTS } from '../../domain/slots.ts'
import { method, streaming } from '../method.ts'
import { jobErrorSchema } from './jobs.ts'
import {
  answerItemSchema,
  askingSchema,
  conversationIdSchema,
  longestSchema,
  questionSchema,
  turnSchema,
} from './turn.ts'
import { cartridgeSummarySchema, inferResultSchema, refSchema, samplingSchema } from './views.ts'

export const askMethods = {
  /** Asks in the way the model was made for: its chat template for the question, its own end of answer. */
  'ask.ask': streaming(
    z.strictObject({
      /** The cartridge in the slot; absent when it was ejected. */
      ref: refSchema.optional(),
      model: z.string().optional(),
      /** The conversation that it is a turn of; without, that of `parentId`, else one that begins here. */
      conversationId: conversationIdSchema.optional(),
      /** Put it below this turn (null: at the beginning); without, below the one it goes on from, else the last. */
      previousId: z.string().nullable().optional(),
      /** Go on from the state after this turn instead of from the cartridge as it was. */
      parentId: z.string().optional(),
      question: questionSchema,
      maxNewTokens: longestSchema.default(64),
      sampling: samplingSchema.optional(),
      compare: z.boolean().default(false),
      /** See `packets.infer`. */
      acceptEdits: z.boolean().default(false),
      /** Record what the model expected at each position of the question and the answer. */
      trace: z.boolean().default(false),
    }),
    z.strictObject({
      step: turnSchema,
      /** null: the slot was empty. */
      with: inferResultSchema.nullable(),
      without: inferResultSchema.nullable(),
    }),
    { sends: answerItemSchema },
  ),
  /**
   * Puts one question to several cartridges: to each of them, one after the other, or to the one that it is about. Answers of
   * each stand side by side in one place. `E_NOT_FOUND` with the details `nearest`, its packet_id, and `accountsFor` where it
   * is about none of them.
   */
  'ask.several': streaming(
    z.strictObject({
      /** Whom; `parentId`: going on from the state after this turn, which asked it, too. */
      of: z
        .array(z.strictObject({ ref: refSchema, parentId: z.string().optional() }))
        .min(1)
        .max(MOST_SLOTS),
      asking: askingSchema,
      conversationId: conversationIdSchema,
      previousId: z.string().nullable().optional(),
      question: questionSchema,
      maxNewTokens: longestSchema.default(64),
      sampling: samplingSchema.optional(),
      acceptEdits: z.boolean().default(false),
      trace: z.boolean().default(false),
    }),
    z.strictObject({
      steps: z.array(turnSchema),
      /** Those that could not be asked, where others could. */
      failed: z.array(z.strictObject({ packetId: digestSchema, error: jobErrorSchema })),
    }),
    { sends: z.strictObject({ packetId: digestSchema, text: z.string() }) },
  ),
  /** What a cartridge was asked and answered, in every conversation, oldest first. */
  'ask.history': method(z.strictObject({ ref: refSchema }), z.strictObject({ steps: z.array(turnSchema) })),
  /** The state after a turn, named and kept in the library. */
  'ask.keep': method(z.strictObject({ stepId: z.string(), name: nameSchema }), cartridgeSummarySchema),
} as const
