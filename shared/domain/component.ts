/**
 * The "Big 8+4": the twelve components that together are a complete model state. Every cartridge carries all twelve,
 * each captured in the file, bound to the model by digest, or not applicable for a stated reason.
 */
import { z } from 'zod'

/** Fixed order and wording; `number` is how the components are cited (8 base components, then +1 to +4). */
export const COMPONENTS = [
  { id: 'cache', number: '1', title: 'KV cache or SSM and conv state' },
  { id: 'embeddings', number: '2', title: 'Token embeddings' },
  { id: 'position', number: '3', title: 'Positional state' },
  { id: 'tokens', number: '4', title: 'Input token buffer' },
  { id: 'mask', number: '5', title: 'Attention mask' },
  { id: 'config', number: '6', title: 'Model config snapshot' },
  { id: 'norms', number: '7', title: 'Layer-norm state' },
  { id: 'mixers', number: '8', title: 'Attention or mixer weights' },
  { id: 'logits', number: '+1', title: 'Logits' },
  { id: 'tokenizer', number: '+2', title: 'Tokenizer state' },
  { id: 'format', number: '+3', title: 'KV format version' },
  { id: 'prompt', number: '+4', title: 'Prompt-injection meta' },
] as const

export type ComponentId = (typeof COMPONENTS)[number]['id']

export const componentIdSchema = z.enum(COMPONENTS.map(c => c.id) as [ComponentId, ...ComponentId[]])

/**
 * `captured`: the bytes are in the cartridge, `digest` is theirs. `bound`: they are the model's, and the cartridge holds
 * their digest. `not-applicable`: this kind of state has none; `reason` says why.
 */
export const componentSchema = z.discriminatedUnion('status', [
  z.strictObject({ id: componentIdSchema, status: z.literal('captured'), digest: z.string() }),
  z.strictObject({
    id: componentIdSchema,
    status: z.literal('bound'),
    digest: z.string(),
    reason: z.string().optional(),
  }),
  z.strictObject({ id: componentIdSchema, status: z.literal('not-applicable'), reason: z.string() }),
])

export type Component = z.infer<typeof componentSchema>
