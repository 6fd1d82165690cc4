/**
 * Llama (Touvron et al. 2023): pre-norm decoder with rotary positions, grouped heads and a gated MLP. Mistral, Qwen2 and
 * Qwen3 are the same graph with other switches in {@link LlamaConfig}.
 */

import { activate } from './activation.ts'
import type { Architecture, CompiledLayers } from './architecture.ts'
import type { ConfigFields } from './config.ts'
import { DecoderFrame, rmsNorm, vocabularyHead } from './decoderFrame.ts'
import type { GraphBuilder, Value } from './graphBuilder.ts'
import type { GraphWeights } from './graphWeights.ts'
import { KeyValueAttention } from './keyValueAttention.ts'
import { type LlamaConfig, readLlamaConfig } from './llamaConfig.ts'
import { RotaryEmbedding } from './rotary.ts'

export const llama: Architecture = {
  prepare: config => prepareLlama(readLlama(config)),
}

function readLlama(config: ConfigFields): LlamaConfig {
  return readLlamaConfig(config, {
    bias: fields => {
      const attention = fields.flag('attention_bias', false)
      return { qkv: attention, output: attention, mlp: fields.flag('mlp_bias', false) }
    },
    headNorm: false,
    windows: (_fields, layers) => Array.from({ length: layers }, () => null),
    defaults: { vocabSize: 32000, inner: 11008, layers: 32, contextLength: 2048 },
  })
}

export function prepareLlama(c: LlamaConfig): CompiledLayers {
  return {
    config: { ...c, rope: c.rope.position.parameters },
    vocabSize: c.vocabSize,
    contextLength: c.contextLength,
    geometry: { kind: 'kv', layers: c.layers, kvHeads: c.kvHeads, headDim: c.headDim },
    position: c.rope.position,
    prefix: '',
    unusedTensors: c.tied ? ['lm_head.weight'] : [],
    components: {
      embeddings: ['model.embed_tokens.weight'],
      norm: /^model\.(?:layers\.(\d+)\.(?:input_layernorm|post_attention_layernorm)|norm)\./,
      mixer: /^model\.layers\.(\d+)\.self_attn\./,
    },
    build: (graph, weights) => buildLlama(graph, weights, c),
  }
}

function buildLlama(graph: GraphBuilder, weights: GraphWeights, c: LlamaConfig): void {
  const frame = new DecoderFrame(graph)
  const attention = new KeyValueAttention(frame)
  const rotary = new RotaryEmbedding(frame, c.rope, { positions: attention.positions, contextLength: c.contextLength })
  const layer = { graph, weights, c, frame, attention, rotary }
  const embedded = weights.gather('model.embed_tokens.weight', [c.vocabSize, c.width], frame.inputIds) // [B, T, width]
  let x = frame.flatten(embedded, c.width) // [N, width]
  for (let index = 0; index < c.layers; index++) {
    x = graph.op('Add', [x, selfAttention(layer, index, x)])
    x = graph.op('Add', [x, gatedMlp(layer, index, x)])
  }
  const last = rmsNorm(graph, frame.lastPositions(x, c.width), weights.get('model.norm.weight', [c.width]), c.epsilon)
  const head = c.tied ? 'model.embed_tokens.weight' : 'lm_head.weight'
  vocabularyHead(frame, weights, { hidden: last, table: head, vocabSize: c.vocabSize, width: c.width })
}

interface LayerContext {
  readonly graph: GraphBuilder
  readonly weights: GraphWeights
  readonly c: LlamaConfig
  readonly frame: DecoderFrame
  readonly attention: KeyValueAttention
  readonly rotary: RotaryEmbedding
}

function selfAttention({ graph, weights, c, frame, attention, rotary }: LayerContext, index: number, x: Value): Value {
  const at = `model.layers.${index}`
  const h = rmsNorm(graph, x, weights.get(`${at}.input_layernorm.weight`, [c.width]), c.epsilon)
  const project = (part: string, heads: number): Value =>
    weights.linear(h, `${at}.self_attn.${part}_proj`, [heads * c.headDim, c.width], c.bias.qkv) // [N, heads·headDim]
  const normed = (part: string, value: Value): Value => {
    if (!c.headNorm) return frame.unflatten(value)
    const perHead = graph.op('Reshape', [value, graph.int64([-1, c.headDim])]) // [N·heads, headDim]
    return frame.unflatten(
      rmsNorm(graph, perHead, weights.get(`${at}.self_attn.${part}_norm.weight`, [c.headDim]), c.epsilon),
    )
  }
  const q = rotary.rotate(normed('q', project('q', c.heads))) // [B, T, heads·headDim]
  const k = rotary.rotate(normed('k', project('k', c.kvHeads))) // [B, T, kvHeads·headDim]
  const v = frame.unflatten(project('v', c.kvHeads))
  const attended = attention.attend(index, [q, k, v], {
    heads: c.heads,
    kvHeads: c.kvHeads,
    headDim: c.headDim,
    window: c.windows[index] ?? null,
    scale: 1 / Math.sqrt(c.headDim),
  })
  const flat = frame.flatten(attended, c.heads * c.headDim)
  return weights.linear(flat, `${at}.self_attn.o_proj`, [c.width, c.heads * c.headDim], c.bias.output)
}

/** down(act(gate(x)) · up(x)) */
function gatedMlp({ graph, weights, c }: LayerContext, index: number, x: Value): Value {
  const at = `model.layers.${index}`
  const h = rmsNorm(graph, x, weights.get(`${at}.post_attention_layernorm.weight`, [c.width]), c.epsilon)
  const gate = weights.linear(h, `${at}.mlp.gate_proj`, [c.inner, c.width], c.bias.mlp) // [N, inner]
  const up = weights.linear(h, `${at}.mlp.up_proj`, [c.inner, c.width], c.bias.mlp)
  const gated = graph.op('Mul', [activate(graph, c.activation, gate), up])
  return weights.linear(gated, `${at}.mlp.down_proj`, [c.width, c.inner], c.bias.mlp)
}
