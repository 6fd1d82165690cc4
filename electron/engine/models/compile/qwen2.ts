/** Qwen2 and Qwen2.5: Llama with biases on queries, keys and values. */
import type { Architecture } from './architecture.ts'
import { prepareLlama } from './llama.ts'
import { readLlamaConfig } from './llamaConfig.ts'
import { qwenWindows } from './qwenWindows.ts'

export const qwen2: Architecture = {
  prepare: config =>
    prepareLlama(
      readLlamaConfig(config, {
        bias: () => ({ qkv: true, output: false, mlp: false }),
        windows: qwenWindows,
        defaults: { kvHeads: 32, inner: 22016, vocabSize: 151936, contextLength: 32768, layers: 32 },
      }),
    ),
}
