/** Granite 3: Llama with multipliers on embeddings, scores, what each layer adds, and logits. */
import type { Architecture } from './architecture.ts'
import type { ConfigFields } from './config.ts'
import { prepareLlama } from './llama.ts'
import { biasFields, type LlamaConfig, readLlamaConfig } from './llamaConfig.ts'

export const granite: Architecture = {
  prepare: config =>
    prepareLlama(
      readLlamaConfig(config, {
        bias: biasFields,
        traits: graniteMultipliers,
        defaults: { vocabSize: 32000, inner: 11008, layers: 32, contextLength: 2048 },
      }),
    ),
}

/** `logits_scaling` is a divisor, the others are factors. */
export function graniteMultipliers(
  config: ConfigFields,
): Pick<LlamaConfig, 'scale' | 'embeddingMultiplier' | 'residualMultiplier' | 'logitsMultiplier'> {
  return {
    scale: config.positive('attention_multiplier', 1),
    embeddingMultiplier: config.positive('embedding_multiplier', 1),
    residualMultiplier: config.positive('residual_multiplier', 1),
    logitsMultiplier: 1 / config.positive('logits_scaling', 1),
  }
}
