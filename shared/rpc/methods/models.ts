/** Models: what is installed, what can be had. */
import { z } from 'zod'
import { method } from '../method.ts'
import { count, modelViewSchema } from './views.ts'

export const precisionSchema = z.enum(['float32', 'float16', 'int8', 'int4'])

/** `hub`: Hugging Face or a mirror. `package`: a Python package index, which networks that allow little else often mirror. */
export const modelSourceSchema = z.enum(['hub', 'package'])
export type ModelSource = z.infer<typeof modelSourceSchema>

/** Measured against float32 on a sample text. */
const precisionEffectSchema = z.strictObject({
  /** Positions compared. */
  tokens: count,
  /** Mean Kullback-Leibler divergence over positions, in bits. */
  meanKl: z.number(),
  /** Share of positions where both name the same most likely token. */
  top1Agreement: z.number(),
  maxLogitDifference: z.number(),
})

export const modelMethods = {
  'models.list': method(
    z.strictObject({}),
    z.strictObject({ models: z.array(modelViewSchema), folders: z.array(z.string()) }),
  ),
  /**
   * Adds a local folder holding config.json, safetensors and tokenizer files, a GGUF file, or a folder of such models that
   * another app filled; hashes the first one's weights once, with progress.
   */
  'models.add': method(z.strictObject({ folder: z.string().min(1), name: z.string().optional() }), modelViewSchema),
  /** Takes a model off the list; `deleteFiles` removes a downloaded model's files too. */
  'models.remove': method(
    z.strictObject({ id: z.string(), deleteFiles: z.boolean().default(false) }),
    z.strictObject({ removed: z.boolean() }),
  ),
  'models.catalogue': method(
    z.strictObject({}),
    z.strictObject({
      entries: z.array(
        z.strictObject({
          id: z.string(),
          hubId: z.string(),
          architecture: z.string(),
          parameters: z.string(),
          licence: z.string(),
          /** Trained to answer in turns; others go on with a text. */
          chats: z.boolean(),
          /** Where it can be had, the most exact first. `place`: a host. */
          sources: z.array(
            z.strictObject({ kind: modelSourceSchema, place: z.string(), bytes: count, precision: z.string() }),
          ),
          /** How it runs in this machine's memory: as it is, only with int8 or int4 weights, or not. */
          fits: z.enum(['yes', 'quantised', 'no']),
          stateBytesPerToken: count,
          stateBytesFixed: count,
          contextLength: count.nullable(),
          goodFor: z.string(),
          installed: z.boolean(),
        }),
      ),
      /** Bytes of memory of this machine. */
      memoryBytes: count,
    }),
  ),
  /** Fetches a model of the hub, or of the package index where the catalogue has it there; goes on with an interrupted one. */
  'models.download': method(
    z.strictObject({
      hubId: z.string().min(3),
      revision: z.string().default('main'),
      source: modelSourceSchema.default('hub'),
    }),
    modelViewSchema,
  ),
  /** Downloads that were interrupted: `models.download` continues them. */
  'models.unfinished': method(
    z.strictObject({}),
    z.strictObject({
      downloads: z.array(z.strictObject({ hubId: z.string(), source: modelSourceSchema, bytes: count })),
    }),
  ),
  /** Lets a model run in another precision from now on; converts its weights the first time and measures what changes. */
  'models.setPrecision': method(
    z.strictObject({ id: z.string(), precision: precisionSchema }),
    z.strictObject({
      model: modelViewSchema,
      effect: precisionEffectSchema.nullable(),
      /** Why there is no effect. */
      notMeasured: z.string().nullable(),
    }),
  ),
} as const
