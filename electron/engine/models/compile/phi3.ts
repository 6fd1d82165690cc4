/** Phi-3 and Phi-4-mini (Abdin et al. 2024): Llama with joined projections, a window, and rotation of a part of each head. */
import type { Architecture } from './architecture.ts'
import { prepareLlama } from './llama.ts'
import { readLlamaConfig } from './llamaConfig.ts'
import { readRope } from './ropeScaling.ts'

export const phi3: Architecture = {
  prepare: config =>
    prepareLlama(
      readLlamaConfig(config, {
        fused: true,
        bias: fields => {
          // Written out by its files; the reference has none of it.
          for (const name of ['attention_bias', 'mlp_bias', 'lm_head_bias']) fields.must(name, false)
          for (const name of ['full_attn_mod', 'interpolate_factor']) fields.must(name, 1)
          return { qkv: false, output: false, mlp: false }
        },
        ropes: (fields, shape) => {
          const rope = readRope(fields, { ...shape, partial: 1, original: 4096 })
          return { ropes: Array.from({ length: shape.layers }, () => rope), position: rope.position }
        },
        windows: (fields, layers) => {
          const window = fields.any('sliding_window') === null ? null : fields.count('sliding_window')
          return Array.from({ length: layers }, () => window)
        },
        defaults: { vocabSize: 32064, width: 3072, inner: 8192, layers: 32, contextLength: 4096, epsilon: 1e-5 },
      }),
    ),
}
