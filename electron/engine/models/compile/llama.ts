/**
 * Llama (Touvron et al. 2023): pre-norm decoder with rotary positions, grouped heads and a gated MLP. The rest of the family
 * is the same graph with other switches in {@link LlamaConfig}.
 */
import type { Architecture, CompiledLayers } from './architecture.ts'
import { embedTokens, spareHead, toLogits } from './decoderEnds.ts'
import { DecoderFrame } from './decoderFrame.ts'
import { gatedMlp } from './gatedMlp.ts'
import type { GraphBuilder, Value } from './graphBuilder.ts'
import type { GraphWeights } from './graphWeights.ts'
import { KeyValueAttention } from './keyValueAttention.ts'
import { biasFields, type LlamaConfig, readLlamaConfig } from './llamaConfig.ts'
import { RmsNorms } from './rmsNorms.ts'
import { RotaryEmbeddings } from './rotary.ts'
import { selfAttention } from './selfAttention.ts'

export const llama: Architecture = {
  prepare: config =>
    prepareLlama(
      readLlamaConfig(config, {
        bias: biasFields,
        defaults: { vocabSize: 32000, inner: 11008, layers: 32, contextLength: 2048 },
      }),
    ),
}

export function prepareLlama(c: LlamaConfig): CompiledLayers {
  const { ropes, position, ...config } = c
  return {
    config: { ...config, rope: position.parameters, rotary: ropes.map(rope => rope !== null) },
    vocabSize: c.vocabSize,
    contextLength: c.contextLength,
    geometry: { kind: 'kv', layers: c.layers, kvHeads: c.kvHeads, headDim: c.headDim },
    position,
    base: 'model.',
    unusedTensors: spareHead(c),
    components: {
      embeddings: ['model.embed_tokens.weight'],
      norm: /^model\.(?:layers\.(\d+)\.\w+_layernorm|norm)\./,
      mixer: /^model\.layers\.(\d+)\.self_attn\./,
    },
    build: (graph, weights) => buildLlama(graph, weights, c),
  }
}

function buildLlama(graph: GraphBuilder, weights: GraphWeights, c: LlamaConfig): void {
  const frame = new DecoderFrame(graph)
  const attention = new KeyValueAttention(frame)
  const norms = new RmsNorms(frame, weights, { epsilon: c.epsilon, centred: c.centredNorms })
  const rotary = new RotaryEmbeddings(attention, c.contextLength)
  let x = embedTokens(frame, weights, c, c.embeddingMultiplier) // [N, width]
  for (let layer = 0; layer < c.layers; layer++) {
    const at = `model.layers.${layer}`
    const around = normsAround(norms, c, at)
    const attended = selfAttention(attention, weights, around.attention.before(x), {
      ...{ layer, at: `${at}.self_attn`, width: c.width, heads: c.heads, kvHeads: c.kvHeads, headDim: c.headDim },
      ...{ bias: c.bias, fused: c.fused, window: c.windows[layer] ?? null, scale: c.scale },
      rotary: rotary.of(c.ropes[layer] ?? null),
      norm: (part, value) => queryKeyNorm(norms, c, { name: `${at}.self_attn.${part}_norm`, part, value }),
    })
    x = graph.op('Add', [x, graph.scale(around.attention.after(attended), c.residualMultiplier)])
    const [gate, up] = c.fused ? ['gate_up_proj', 'gate_up_proj'] : ['gate_proj', 'up_proj']
    const mlp = gatedMlp(graph, weights, around.mlp.before(x), {
      ...{ gate: `${at}.mlp.${gate}`, up: `${at}.mlp.${up}`, down: `${at}.mlp.down_proj` },
      ...{ width: c.width, inner: c.inner, activation: c.activation, bias: c.bias.mlp },
    })
    x = graph.op('Add', [x, graph.scale(around.mlp.after(mlp), c.residualMultiplier)])
  }
  toLogits(frame, weights, c, {
    ...{ x, norms, norm: 'model.norm', multiplier: c.logitsMultiplier, softcap: c.logitsSoftcap },
  })
}

type Norm = (x: Value) => Value

/** `post_attention_layernorm` is the norm before the MLP, unless there are norms behind the two. */
function normsAround(
  norms: RmsNorms,
  c: LlamaConfig,
  at: string,
): Readonly<Record<'attention' | 'mlp', { readonly before: Norm; readonly after: Norm }>> {
  const named =
    (name: string): Norm =>
    x =>
      norms.over(`${at}.${name}`, x, c.width)
  const none: Norm = x => x
  const [before, after] = [c.norms !== 'after', c.norms !== 'before']
  return {
    attention: {
      before: before ? named('input_layernorm') : none,
      after: after ? named('post_attention_layernorm') : none,
    },
    mlp: {
      before: before ? named(after ? 'pre_feedforward_layernorm' : 'post_attention_layernorm') : none,
      after: after ? named('post_feedforward_layernorm') : none,
    },
  }
}

function queryKeyNorm(
  norms: RmsNorms,
  c: LlamaConfig,
  { name, part, value }: { name: string; part: 'q' | 'k'; value: Value },
): Value {
  if (c.queryKeyNorm === 'none') return value
  if (c.queryKeyNorm === 'head') return norms.eachHead(name, value, c.headDim)
  return norms.over(name, value, (part === 'q' ? c.heads : c.kvHeads) * c.headDim)
}
