/** A checkpoint's tensors under the names the architecture calls them by, however the file was saved. */
import { StatePackError } from '#shared/domain/error.ts'
import type { Checkpoint, CheckpointTensor } from '../sources/checkpoint.ts'
import type { PreparedLayers } from './compile.ts'

/** What stands before the base model's tensors: nothing when it was saved alone, more when it is part of a larger model. */
const PREFIXES = [
  '',
  'model.',
  'transformer.',
  'backbone.',
  'model.language_model.',
  'language_model.model.',
  'language_model.',
  'model.text_model.',
]
const HEAD = 'lm_head.weight'
const HEADS: readonly string[] = [HEAD, 'language_model.lm_head.weight', 'model.lm_head.weight']

/**
 * The same weights under one set of names: a base model saved alone and one saved with its head are the same model. Of a
 * model that also sees or hears only the text part is kept. Throws `E_MODEL_WEIGHTS` when two tensors would have one name.
 */
export function canonicalTensors(checkpoint: Checkpoint, layers: PreparedLayers): Checkpoint {
  const prefix = prefixOf(checkpoint, layers)
  if (prefix === null) return checkpoint // what is missing is named when the graph asks for it
  const tensors = new Map<string, CheckpointTensor>()
  for (const tensor of checkpoint.tensors.values()) {
    const mine = tensor.name.startsWith(prefix)
    if (layers.wrapped && !mine && !HEADS.includes(tensor.name)) continue
    const name = HEADS.includes(tensor.name)
      ? HEAD
      : mine
        ? layers.base + tensor.name.slice(prefix.length)
        : tensor.name
    if (tensors.has(name)) {
      throw new StatePackError('E_MODEL_WEIGHTS', `The weights have two tensors for ${name}.`, { tensor: name })
    }
    tensors.set(name, { ...tensor, name })
  }
  return { ...checkpoint, tensors }
}

/** Whether the weights have a matrix of their own for the logits. */
export function hasHead({ tensors }: Checkpoint): boolean {
  return HEADS.some(name => tensors.has(name))
}

/** The prefix under which the embeddings are found; the architecture's own, where several would do. */
function prefixOf(checkpoint: Checkpoint, { base, components }: PreparedLayers): string | null {
  const tables = components.embeddings.map(name => name.slice(base.length))
  const found = [base, ...PREFIXES].find(prefix => tables.some(table => checkpoint.tensors.has(prefix + table)))
  return found ?? null
}
