/** Mistral (Jiang et al. 2023): Llama with a sliding attention window, or without one. */
import type { Architecture } from './architecture.ts'
import { prepareLlama } from './llama.ts'
import { readLlamaConfig } from './llamaConfig.ts'

export const mistral: Architecture = {
  prepare: config =>
    prepareLlama(
      readLlamaConfig(config, {
        windows: (fields, layers) => {
          // null says "no window"; only a file that leaves the field out means the class's default.
          const window =
            fields.given('sliding_window') && fields.any('sliding_window') === null
              ? null
              : fields.count('sliding_window', 4096)
          return Array.from({ length: layers }, () => window)
        },
        defaults: { kvHeads: 8, inner: 14336, vocabSize: 32000, contextLength: 131072, layers: 32 },
      }),
    ),
}
