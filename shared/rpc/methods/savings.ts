/** Savings: measured, never estimated without saying so. */
import { z } from 'zod'
import { priceSchema } from '../../domain/prices.ts'
import { method } from '../method.ts'
import { count } from './views.ts'

const periodSchema = z.enum(['hour', 'day', 'week', 'month', 'all'])

const totalsSchema = z.strictObject({
  inferences: count,
  hits: count,
  misses: count,
  tokensNaive: count,
  tokensProcessed: count,
  secondsMeasured: z.number(),
  /** Can be negative: restoring was slower than reading again. */
  secondsAvoided: z.number(),
  bytesRead: count,
  bytesWritten: count,
})

const loopStepSchema = z.strictObject({
  step: count,
  naiveTokens: count,
  stateTokens: count,
  naiveSeconds: z.number(),
  stateSeconds: z.number(),
})

/** Whether a provider's key is saved, and where; the key itself never comes back. */
const providerKeySchema = z.strictObject({ saved: z.boolean(), where: z.enum(['os-key-store', 'memory']) })

export const savingsMethods = {
  'savings.summary': method(
    z.strictObject({ period: periodSchema.default('all') }),
    z.strictObject({
      totals: totalsSchema,
      byCartridge: z.array(z.strictObject({ key: z.string(), label: z.string(), totals: totalsSchema })),
      byModel: z.array(z.strictObject({ key: z.string(), label: z.string(), totals: totalsSchema })),
      byDay: z.array(z.strictObject({ key: z.string(), label: z.string(), totals: totalsSchema })),
    }),
  ),
  /** Cumulative series, downsampled in the engine to at most `points`. */
  'savings.series': method(
    z.strictObject({ period: periodSchema.default('all'), points: z.number().int().min(2).max(2000).default(300) }),
    z.strictObject({
      points: z.array(
        z.strictObject({
          at: z.string(),
          tokensNaive: count,
          tokensProcessed: count,
          secondsMeasured: z.number(),
          secondsAvoided: z.number(),
          latency: z.number(),
          hits: count,
          misses: count,
        }),
      ),
    }),
  ),
  'savings.export': method(
    z.strictObject({ format: z.enum(['csv', 'json']) }),
    z.strictObject({ fileName: z.string(), bytes: z.instanceof(Uint8Array) }),
  ),
  'savings.reset': method(z.strictObject({}), z.strictObject({ removed: count })),
  /** State Pack's agent loop, really run: re-reading everything each step, and state plus delta, side by side. */
  'savings.agentLoop': method(
    z.strictObject({
      model: z.string(),
      steps: z.number().int().min(1).max(500).default(20),
      base: z.string().optional(),
      /** `{i}` stands for the step number. */
      delta: z.string().optional(),
      /** `state-pack` counts as its own benchmark did, `honest` counts everything. */
      variant: z.enum(['state-pack', 'honest']).default('honest'),
    }),
    z.strictObject({
      model: z.string(),
      variant: z.enum(['state-pack', 'honest']),
      steps: z.array(loopStepSchema),
      tokens: z.strictObject({ naive: count, state: count, savedPercent: z.number() }),
      seconds: z.strictObject({ naive: z.number(), state: z.number(), speedup: z.number() }),
      receiptId: z.string(),
    }),
  ),
  'savings.providerKey': method(z.strictObject({}), providerKeySchema),
  /** Null forgets it. */
  'savings.setProviderKey': method(
    z.strictObject({
      apiKey: z
        .string()
        .trim()
        .max(4096)
        .regex(/^[\x21-\x7e]+$/, 'a key is printable characters without spaces')
        .nullable(),
    }),
    providerKeySchema,
  ),
  'savings.providerBenchmark': method(
    z.strictObject({
      /** Base address or that of chat/completions; without a scheme it is https, on this machine http. */
      endpoint: z.string().min(1).max(2000),
      /** Absent: the saved one, or none where none is saved. Empty: none. */
      apiKey: z.string().optional(),
      model: z.string(),
      steps: z.number().int().min(1).max(100).default(20),
      maxTokens: z.number().int().min(1).max(1024).default(64),
      modes: z.array(z.enum(['full-history', 'context-discipline', 'provider-caching'])).min(1),
      price: priceSchema,
      spendingCapUsd: z.number().positive(),
    }),
    z.strictObject({
      modes: z.array(
        z.strictObject({
          mode: z.enum(['full-history', 'context-discipline', 'provider-caching']),
          inputTokens: count,
          cachedTokens: count,
          outputTokens: count,
          usd: z.number(),
          seconds: z.number(),
          steps: count,
        }),
      ),
      stoppedByCap: z.boolean(),
      /** The model fixes its own temperature, so replies vary from run to run. */
      variesByRun: z.boolean(),
      spentUsd: z.number(),
    }),
  ),
  'savings.prices': method(z.strictObject({}), z.strictObject({ version: z.number(), prices: z.array(priceSchema) })),
  'savings.setPrices': method(
    z.strictObject({ prices: z.array(priceSchema) }),
    z.strictObject({ version: z.number(), prices: z.array(priceSchema) }),
  ),
} as const
