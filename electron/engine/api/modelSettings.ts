import { z } from 'zod'
import { precisionSchema } from '#shared/rpc/methods/models.ts'
import type { WeightsMemory } from '../live/modelRegistry.ts'
import type { Precision } from '../models/model.ts'
import type { ModelMemory, SeenModels } from '../models/sources/findModels.ts'
import type { Library } from '../store/library/library.ts'

/** What is remembered about models, by folder: the precision chosen for each, its weights, what was seen on which drive. */
export interface ModelSettings {
  readonly seen: ModelMemory
  readonly weights: WeightsMemory
  /** null: as the model is. */
  precisionOf(folder: string): Precision | null
  /** Why the app chose it; null where a person did. */
  reasonOf(folder: string): string | null
  setPrecision(folder: string, precision: Precision | null, reason?: string): void
}

const SEEN = 'models.seen'
const PRECISION = 'models.precision'
const REASONS = 'models.precisionReasons'
const WEIGHTS = 'models.weights'
const seenSchema = z.record(z.string(), z.array(z.string()))
const weightsSchema = z.record(z.string(), z.string())
const reasonsSchema = z.record(z.string(), z.string())
const precisionsSchema = z.record(z.string(), precisionSchema)

export function createModelSettings({ settings }: Pick<Library, 'settings'>): ModelSettings {
  const precisions = () => precisionsSchema.safeParse(settings.get(PRECISION)).data ?? {}
  const reasons = () => reasonsSchema.safeParse(settings.get(REASONS)).data ?? {}
  return {
    seen: {
      get: (): SeenModels => seenSchema.safeParse(settings.get(SEEN)).data ?? {},
      set: seen => settings.set(SEEN, seen),
    },
    weights: {
      get: () => weightsSchema.safeParse(settings.get(WEIGHTS)).data ?? {},
      set: digests => settings.set(WEIGHTS, digests),
    },
    precisionOf: folder => precisions()[folder] ?? null,
    reasonOf: folder => reasons()[folder] ?? null,
    setPrecision(folder, precision, reason) {
      const { [folder]: _, ...rest } = precisions()
      settings.set(PRECISION, precision === null ? rest : { ...rest, [folder]: precision })
      const { [folder]: __, ...others } = reasons()
      settings.set(REASONS, reason === undefined ? others : { ...others, [folder]: reason })
    },
  }
}
