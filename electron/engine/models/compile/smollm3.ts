/** SmolLM3 (2025): Llama in which every few layers do without positions. */
import type { Architecture } from './architecture.ts'
import type { ConfigFields } from './config.ts'
import { prepareLlama } from './llama.ts'
import { biasFields, readLlamaConfig } from './llamaConfig.ts'
import { readRope } from './ropeScaling.ts'

export const smollm3: Architecture = {
  prepare: config =>
    prepareLlama(
      readLlamaConfig(config, {
        bias: biasFields,
        ropes: (fields, { layers, headDim, contextLength }) => {
          const rope = readRope(fields, { headDim, contextLength, theta: 2_000_000 })
          return {
            ropes: rotatedLayers(fields, layers).map(rotated => (rotated ? rope : null)),
            position: rope.position,
          }
        },
        windows,
        ...{
          defaults: { ...{ vocabSize: 128256, width: 2048, inner: 11008, layers: 36, contextLength: 32768 }, ...HEADS },
        },
      }),
    ),
}

const HEADS = { heads: 16, kvHeads: 4, tied: true }

/** `no_rope_layers` has a 1 for a layer that is rotated, despite its name. */
function rotatedLayers(config: ConfigFields, layers: number): boolean[] {
  const interval = config.count('no_rope_layer_interval', 4)
  const list = config.any('no_rope_layers')
  if (list === null) return Array.from({ length: layers }, (_, layer) => (layer + 1) % interval !== 0)
  if (!Array.isArray(list) || list.length < layers || list.some(each => each !== 0 && each !== 1)) {
    throw config.error('no_rope_layers', `must be 0 or 1 for each of ${layers} layers`)
  }
  return list.slice(0, layers).map(each => each === 1)
}

/** A window only where it is switched on: in the layers that `layer_types` names, else in those without positions. */
function windows(config: ConfigFields, layers: number): (number | null)[] {
  config.any('max_window_layers') // of Qwen; not read here
  const size = config.any('sliding_window') === null ? null : config.count('sliding_window')
  const used = config.flag('use_sliding_window', false) ? size : null
  const types = config.layerTypes(layers, ['full_attention', 'sliding_attention'])
  const sliding = types?.map(type => type === 'sliding_attention') ?? rotatedLayers(config, layers).map(r => !r)
  return sliding.map(each => (each ? used : null))
}
