/** OLMo 2 (2024): Llama with norms behind attention and MLP, and one over all queries and one over all keys. */
import type { Architecture } from './architecture.ts'
import { prepareLlama } from './llama.ts'
import { readLlamaConfig } from './llamaConfig.ts'

export const olmo2: Architecture = {
  prepare: config =>
    prepareLlama(
      readLlamaConfig(config, {
        bias: fields => {
          const attention = fields.flag('attention_bias', false)
          return { qkv: attention, output: attention, mlp: false }
        },
        norms: 'after',
        queryKeyNorm: 'all',
        defaults: { vocabSize: 50304, inner: 11008, layers: 32, contextLength: 2048, epsilon: 1e-5 },
      }),
    ),
}
