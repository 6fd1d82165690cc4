/** Models: what is installed, what can be had. */
import { z } from 'zod'
import { method } from '../method.ts'
import { count, modelViewSchema } from './views.ts'

export const modelMethods = {
  'models.list': method(
    z.strictObject({}),
    z.strictObject({ models: z.array(modelViewSchema), folders: z.array(z.string()) }),
  ),
  /** Adds a local folder holding config.json, safetensors and tokenizer files; hashes the weights once, with progress. */
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
          downloadBytes: count,
          licence: z.string(),
          stateBytesPerToken: count,
          stateBytesFixed: count,
          contextLength: count.nullable(),
          goodFor: z.string(),
          installed: z.boolean(),
        }),
      ),
      endpoint: z.string(),
    }),
  ),
  'models.download': method(
    z.strictObject({ hubId: z.string().min(3), revision: z.string().default('main') }),
    modelViewSchema,
  ),
} as const
