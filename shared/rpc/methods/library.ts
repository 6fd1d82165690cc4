/** The library: what is there, what people call it, and whom they trust. */
import { z } from 'zod'
import { cartridgeConfigSchema, digestSchema, recipeSchema, stateKindSchema } from '../../domain/cartridge.ts'
import { nameSchema } from '../../domain/name.ts'
import { method } from '../method.ts'
import { collectionSchema } from './collections.ts'
import { cartridgeSummarySchema, count, refSchema, trustSchema, verifiedLevelSchema } from './views.ts'

const librarySortSchema = z.enum(['used', 'created', 'name', 'size', 'tokens'])

export const libraryMethods = {
  'library.list': method(
    z.strictObject({
      query: z.string().default(''),
      kind: stateKindSchema.optional(),
      model: z.string().optional(),
      tag: z.string().optional(),
      trust: trustSchema.optional(),
      verified: verifiedLevelSchema.optional(),
      sort: librarySortSchema.default('used'),
      /** A collection is one item: its first cartridge that is found stands for all of it. */
      stacked: z.boolean().default(false),
      offset: count.default(0),
      limit: z.number().int().min(1).max(500).default(100),
    }),
    z.strictObject({
      /** `stack`: the collection that an item stands for; null for a cartridge by itself. */
      items: z.array(cartridgeSummarySchema.extend({ stack: collectionSchema.nullable() })),
      total: count,
      facets: z.strictObject({
        all: count,
        kind: z.record(z.string(), count),
        model: z.record(z.string(), count),
        trust: z.record(z.string(), count),
        verified: z.record(z.string(), count),
        tag: z.record(z.string(), count),
      }),
    }),
  ),
  /** The cartridges that a question is about, and which to ask; see `electron/engine/library/suggest.ts`. */
  'library.suggest': method(
    z.strictObject({
      question: z.string().trim().min(1).max(4000),
      /** Only cartridges of this model. */
      model: z.string().optional(),
      /** Only these. */
      among: z.array(digestSchema).max(10_000).optional(),
      limit: z.number().int().min(1).max(6).default(3),
    }),
    z.strictObject({
      /** null: no cartridge accounts for enough of the question. */
      chosen: digestSchema.nullable(),
      /** The share that is enough. */
      enough: z.number(),
      /** Best first. */
      candidates: z.array(
        z.strictObject({
          cartridge: cartridgeSummarySchema,
          /** Share of the question's information, in bits as the bare model counts them, that the cartridge accounts for: 0 to 1. */
          accountsFor: z.number().min(0).max(1),
          /** Words of the question that it does not know, most telling first. */
          unknown: z.array(z.string()),
        }),
      ),
      tokensProcessed: count,
    }),
  ),
  'library.get': method(
    z.strictObject({ ref: refSchema }),
    z.strictObject({
      summary: cartridgeSummarySchema,
      /** The collection that it is in. */
      collection: collectionSchema.nullable(),
      /** Every name it has; the first is the one it is shown by. */
      names: z.array(z.string()),
      card: z.string(),
      /** Who signed it first, in words: whom trusting it would trust, too. Null for nobody. */
      signedBy: z.string().nullable(),
      recipe: recipeSchema.nullable(),
      /** The source texts that the cartridge carries, in reading order. */
      sources: z.array(z.strictObject({ digest: digestSchema, name: z.string(), text: z.string(), bytes: count })),
      config: cartridgeConfigSchema,
      parents: z.array(z.strictObject({ packetId: digestSchema, name: z.string().nullable(), op: z.string() })),
      usage: z.strictObject({ asks: count, tokensSaved: z.number(), secondsSaved: z.number() }),
      exampleQuestions: z.array(z.string()),
      /** How many name it. */
      receipts: count,
    }),
  ),
  'library.update': method(
    z.strictObject({
      packetId: digestSchema,
      /** The name it is shown by. */
      name: nameSchema.optional(),
      /** What else it is called, instead of what it was. */
      otherNames: z.array(nameSchema).max(50).optional(),
      tags: z.array(z.string().trim().min(1).max(60)).max(50).optional(),
      pinned: z.boolean().optional(),
    }),
    cartridgeSummarySchema,
  ),
  'library.trust': method(z.strictObject({ packetId: digestSchema }), cartridgeSummarySchema),
  /** Deleting leaves a tombstone for seven days: `library.restore` undoes it. */
  'library.delete': method(
    z.strictObject({ packetIds: z.array(digestSchema).min(1) }),
    z.strictObject({ deleted: count }),
  ),
  'library.restore': method(
    z.strictObject({ packetIds: z.array(digestSchema).min(1) }),
    z.strictObject({ restored: count }),
  ),
  'library.gc': method(
    z.strictObject({
      olderThanDays: z.number().min(0).optional(),
      keepLatest: count.optional(),
      dryRun: z.boolean().default(false),
    }),
    z.strictObject({ blobs: count, bytes: count, packets: count, dryRun: z.boolean() }),
  ),
  'library.lineage': method(
    z.strictObject({ ref: refSchema.optional() }),
    z.strictObject({
      nodes: z.array(
        z.strictObject({
          packetId: digestSchema,
          name: z.string().nullable(),
          /** What was asked to get to it; null for what no answer led to. */
          question: z.string().nullable(),
          kind: stateKindSchema.nullable(),
          tokens: count,
          /** False when a parent is named by a child but is not in this store. */
          present: z.boolean(),
        }),
      ),
      edges: z.array(
        z.strictObject({ parent: digestSchema, child: digestSchema, op: z.string(), receiptId: z.string().nullable() }),
      ),
    }),
  ),
} as const
