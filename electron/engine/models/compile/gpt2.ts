/** GPT-2 (Radford et al. 2019): pre-norm decoder with learned positions; weights stored [in, out] (Conv1D). */

import { ACTIVATIONS, type Activation, activate } from './activation.ts'
import type { Architecture } from './architecture.ts'
import type { ConfigFields } from './config.ts'
import { spareHead } from './decoderEnds.ts'
import { DecoderFrame, vocabularyHead } from './decoderFrame.ts'
import type { GraphBuilder, Value } from './graphBuilder.ts'
import type { GraphWeights } from './graphWeights.ts'
import { KeyValueAttention } from './keyValueAttention.ts'

interface Gpt2Config {
  readonly vocabSize: number
  readonly width: number
  readonly layers: number
  readonly heads: number
  readonly headDim: number
  readonly inner: number
  readonly contextLength: number
  readonly epsilon: number
  readonly activation: Activation
  readonly tied: boolean
  readonly scaleWeights: boolean
  readonly scaleByLayer: boolean
}

export const gpt2: Architecture = {
  prepare(config) {
    const c = readGpt2(config)
    return {
      config: { ...c },
      vocabSize: c.vocabSize,
      contextLength: c.contextLength,
      geometry: { kind: 'kv', layers: c.layers, kvHeads: c.heads, headDim: c.headDim },
      position: { scheme: 'learned', parameters: { length: c.contextLength } },
      base: '',
      unusedTensors: spareHead(c),
      components: {
        embeddings: ['wte.weight', 'wpe.weight'],
        norm: /^(?:h\.(\d+)\.ln_[12]|ln_f)\./,
        mixer: /^h\.(\d+)\.attn\.c_/,
      },
      build: (graph, weights) => buildGpt2(graph, weights, c),
    }
  },
}

/** Defaults are those of transformers' GPT2Config. */
function readGpt2(config: ConfigFields): Gpt2Config {
  const width = config.count('n_embd', 768)
  const heads = config.count('n_head', 12)
  if (width % heads !== 0) throw config.error('n_head', `is ${heads} and does not divide n_embd ${width}`)
  const contextLength = config.count('n_positions', 1024)
  config.agrees('n_ctx', contextLength)
  config.must('add_cross_attention', false)
  config.any('reorder_and_upcast_attn') // the same values in float32
  const parsed = {
    vocabSize: config.count('vocab_size', 50257),
    width,
    layers: config.layers('n_layer', 12),
    heads,
    headDim: width / heads,
    inner: config.count('n_inner', 4 * width),
    contextLength,
    epsilon: config.number('layer_norm_epsilon', 1e-5),
    activation: config.choice('activation_function', ACTIVATIONS, 'gelu_new'),
    tied: config.flag('tie_word_embeddings', true),
    scaleWeights: config.flag('scale_attn_weights', true),
    scaleByLayer: config.flag('scale_attn_by_inverse_layer_idx', false),
  } satisfies Gpt2Config
  config.finish()
  return parsed
}

function buildGpt2(graph: GraphBuilder, weights: GraphWeights, c: Gpt2Config): void {
  const frame = new DecoderFrame(graph)
  const attention = new KeyValueAttention(frame)
  const norm = (x: Value, name: string) => {
    const [weight, bias] = [weights.get(`${name}.weight`, [c.width]), weights.get(`${name}.bias`, [c.width])]
    return graph.op('LayerNormalization', [x, weight, bias], { axis: -1, epsilon: { float: c.epsilon } })
  }
  const token = weights.gather('wte.weight', [c.vocabSize, c.width], frame.inputIds) // [B, T, width]
  const place = weights.gather('wpe.weight', [c.contextLength, c.width], attention.positions)
  let x = frame.flatten(graph.op('Add', [token, place]), c.width) // [N, width]
  for (let layer = 0; layer < c.layers; layer++) {
    const at = `h.${layer}`
    const qkv = weights.conv1d(norm(x, `${at}.ln_1`), `${at}.attn.c_attn`, [c.width, 3 * c.width]) // [N, 3·width]
    const attended = attention.attend(layer, [frame.unflatten(qkv), '', ''], {
      heads: c.heads,
      kvHeads: c.heads,
      headDim: c.headDim,
      window: null,
      scale: (c.scaleWeights ? 1 / Math.sqrt(c.headDim) : 1) / (c.scaleByLayer ? layer + 1 : 1),
    }) // [B, T, width]
    const projected = weights.conv1d(frame.flatten(attended, c.width), `${at}.attn.c_proj`, [c.width, c.width])
    x = graph.op('Add', [x, projected])
    const inner = weights.conv1d(norm(x, `${at}.ln_2`), `${at}.mlp.c_fc`, [c.width, c.inner]) // [N, inner]
    const mlp = weights.conv1d(activate(graph, c.activation, inner), `${at}.mlp.c_proj`, [c.inner, c.width])
    x = graph.op('Add', [x, mlp])
  }
  const hidden = norm(frame.lastPositions(x, c.width), 'ln_f')
  vocabularyHead(frame, weights, {
    hidden,
    table: c.tied ? 'wte.weight' : 'lm_head.weight',
    vocabSize: c.vocabSize,
    width: c.width,
  })
}
