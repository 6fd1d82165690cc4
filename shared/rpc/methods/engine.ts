/** The engine itself, and the settings. */
import { z } from 'zod'
import { stateDtypeSchema } from '../../domain/cartridge.ts'
import { compactionPolicySchema } from '../../domain/compaction.ts'
import { method } from '../method.ts'
import { memoryBudgetsSchema, memoryChangeSchema } from './memory.ts'
import { count } from './views.ts'

export const settingsSchema = z.strictObject({
  theme: z.enum(['system', 'light', 'dark']),
  device: z.enum(['auto', 'cpu', 'webgpu']),
  dtype: stateDtypeSchema,
  defaultModel: z.string(),
  modelFolders: z.array(z.string()),
  hubEndpoint: z.url(),
  /** The repository of a registry through which the API server shares states with others; empty for none. */
  coldTier: z.string().max(600),
  /** Root of the simple API of a Python package index. */
  packageIndex: z.url(),
  priceId: z.string(),
  onboarded: z.boolean(),
  /** When a chain of merges is folded into one state by itself. */
  compaction: compactionPolicySchema,
  memory: memoryBudgetsSchema,
})
export type Settings = z.infer<typeof settingsSchema>

const settingsChangeSchema = settingsSchema.extend({ memory: memoryChangeSchema }).partial()
export type SettingsChange = z.infer<typeof settingsChangeSchema>

export const engineMethods = {
  'engine.status': method(
    z.strictObject({}),
    z.strictObject({
      version: z.string(),
      device: z.string(),
      deviceReason: z.string(),
      /** What can be chosen here; `problem` says why one cannot. */
      devices: z.array(z.strictObject({ id: z.enum(['cpu', 'webgpu']), problem: z.string().nullable() })),
      runtime: z.string(),
      threads: count,
      loadedModels: z.array(z.string()),
      /** Tokens per second of the most recent read of 64 tokens or more; null before the first. */
      lastTokensPerSecond: z.number().nullable(),
      rssBytes: count,
      /** `readOnly`: its disk or its permissions allow no writing, so it can be looked at and asked, not changed. */
      store: z.strictObject({ folder: z.string(), packets: count, bytes: count, readOnly: z.boolean() }),
      receipts: count,
      startedAt: z.string(),
    }),
  ),
  'settings.get': method(z.strictObject({}), settingsSchema),
  /** Changes what is given, and of `memory` the tiers that are. */
  'settings.set': method(settingsChangeSchema, settingsSchema),
} as const
