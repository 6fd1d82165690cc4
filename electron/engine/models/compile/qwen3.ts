/** Qwen3: Llama with an RMS norm on every query and key head and its own head size. */
import type { Architecture } from './architecture.ts'
import { prepareLlama } from './llama.ts'
import { readLlamaConfig } from './llamaConfig.ts'
import { qwenWindows } from './qwenWindows.ts'

export const qwen3: Architecture = {
  prepare: config =>
    prepareLlama(
      readLlamaConfig(config, {
        bias: fields => {
          const attention = fields.flag('attention_bias', false)
          return { qkv: attention, output: attention, mlp: false }
        },
        queryKeyNorm: 'head',
        windows: qwenWindows,
        defaults: { kvHeads: 32, headDim: 128, inner: 22016, vocabSize: 151936, contextLength: 32768, layers: 32 },
      }),
    ),
}
