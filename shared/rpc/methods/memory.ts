/** What of states is in memory: tiers, what lives where and why, budgets. */
import { z } from 'zod'
import { digestSchema } from '../../domain/cartridge.ts'
import { method } from '../method.ts'
import { count, tierSchema } from './views.ts'

/** Bytes that a tier may hold. At least 16 MiB: less would not hold one running session of a small model. */
const budgetSchema = z
  .number()
  .int()
  .min(16 * 1024 ** 2, 'at least 16 MiB, which one session of a small model takes')
  .max(1024 ** 5)

const coldBudgetSchema = z
  .number()
  .int()
  .min(0)
  .max(1024 ** 5)
  .nullable()

export const memoryBudgetsSchema = z.strictObject({
  /** Of the buffers that sessions run in. */
  hot: budgetSchema,
  /** Of decoded layers, and of states that nobody stored. */
  warm: budgetSchema,
  /**
   * Of the disk, for all states together. What somebody stored counts and is never given up by itself; what memory gave up and
   * nobody stored is, down to nothing. null: as much as there is, and a quarter of what was free.
   */
  cold: coldBudgetSchema.default(null),
})

/** Those that are to change. */
export const memoryChangeSchema = z.strictObject({
  hot: budgetSchema.optional(),
  warm: budgetSchema.optional(),
  cold: coldBudgetSchema.optional(),
})
export type MemoryBudgets = z.infer<typeof memoryBudgetsSchema>

/** All that a tier holds of one cartridge (or, without a packet, of sessions that began with nothing). */
const holdingSchema = z.strictObject({
  packetId: digestSchema.nullable(),
  name: z.string(),
  /** False for a state that nobody asked to store: the library does not list it. */
  stored: z.boolean(),
  /** Why it came in, the last time any of it did. */
  reason: z.string(),
  bytes: count,
  /** How often any of it was used. */
  uses: count,
  pinned: z.boolean(),
  inUse: z.boolean(),
})
export type MemoryHolding = z.infer<typeof holdingSchema>

const memoryTierSchema = z.strictObject({
  tier: tierSchema,
  bytes: count,
  budget: count,
  /** Bytes that cannot be given up now: an operation is using them. */
  inUse: count,
  /** Bytes that somebody stored: they count, and are never given up. Of what is in memory none. */
  own: count,
  /** Bytes that stay because they are pinned, beside those in use. */
  pinned: count,
  /** Most bytes first. */
  holdings: z.array(holdingSchema),
})
export type MemoryTierView = z.infer<typeof memoryTierSchema>

const moveSchema = z.strictObject({
  at: z.string(),
  name: z.string(),
  bytes: count,
  from: z.enum(['new', ...tierSchema.options]),
  /** `registry`: it is fetched again from there when it is asked for. `gone`: it is kept nowhere else, and would be read again. */
  to: z.enum([...tierSchema.options, 'registry', 'gone']),
  reason: z.string(),
})
export type MemoryMove = z.infer<typeof moveSchema>

export const memoryMethods = {
  'memory.status': method(
    z.strictObject({}),
    z.strictObject({
      tiers: z.array(memoryTierSchema),
      /** States of the library. */
      stored: count,
      /** Layers asked for since the engine began: those that were in memory, and those that had to be read. */
      layers: z.strictObject({ hits: count, misses: count }),
      /** Newest first. */
      moves: z.array(moveSchema),
      /** Loaded models: their weights are in memory beside the tiers. `heldBy`: the operations that use them now. */
      models: z.array(
        z.strictObject({
          id: z.string(),
          precision: z.string(),
          provider: z.string(),
          weightsBytes: count,
          heldBy: z.array(z.string()),
        }),
      ),
      /** Of the whole engine process. */
      rssBytes: count,
      /** Of this machine. */
      machineBytes: count,
      /** Of the disk that the store is on; 0 where the system does not say. */
      diskBytes: count,
    }),
  ),
  /** Keeps a cartridge in memory whatever comes, reading it first; or lets it go again. */
  'memory.pin': method(z.strictObject({ packetId: digestSchema, pinned: z.boolean() }), z.strictObject({})),
  /** Gives up all that nobody uses and nobody pinned. */
  'memory.purge': method(z.strictObject({ tier: tierSchema }), z.strictObject({ freed: count })),
} as const
