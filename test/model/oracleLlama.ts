import {
  act,
  Cache,
  eachHead,
  plus,
  type Reader,
  rotate,
  type Step,
  scaled,
  times,
  type Vector,
} from './oracleParts.ts'

/** Llama, Mistral, Qwen2, Qwen3, Gemma 3, Phi-3, SmolLM3, Granite and OLMo 2, each where it differs. */
export function llamaFamily(model: Reader): Step {
  const { config } = model
  const type = String(config.model_type)
  const width = model.number('hidden_size')
  const heads = model.number('num_attention_heads')
  const kvHeads = model.number('num_key_value_heads', heads)
  const headDim = model.number('head_dim', width / heads)
  const epsilon = model.number('rms_norm_eps', 1e-6)
  const centre = type === 'gemma3_text' ? 1 : 0
  const scale =
    type === 'gemma3_text'
      ? 1 / Math.sqrt(model.number('query_pre_attn_scalar', 256))
      : model.number('attention_multiplier', 1 / Math.sqrt(headDim))
  const caches = Array.from(
    { length: model.number('num_hidden_layers') },
    (_, layer) => new Cache(kvHeads, headDim, windowOf(model, type, layer)),
  )
  const residual = model.number('residual_multiplier', 1)
  const embedding = type === 'gemma3_text' ? Math.sqrt(width) : model.number('embedding_multiplier', 1)
  const normed = (name: string, x: Vector) => (model.has(`${name}.weight`) ? model.rms(name, x, epsilon, centre) : x)
  return (token, position) => {
    let x = scaled(model.row('model.embed_tokens.weight', token, width), embedding)
    for (const [layer, cache] of caches.entries()) {
      const name = `model.layers.${layer}`
      const around = model.has(`${name}.post_feedforward_layernorm.weight`)
      const h = normed(`${name}.input_layernorm`, x)
      const { q, k, v } = projections(model, `${name}.self_attn`, h, { heads, kvHeads, headDim })
      const placed = (part: string, value: Vector) => {
        const norm = `${name}.self_attn.${part}_norm`
        const whole = type === 'olmo2' ? normed(norm, value) : value
        return eachHead(whole, headDim, head => {
          const own = type === 'olmo2' ? head : normed(norm, head)
          const rope = ropeOf(model, type, layer)
          return rope === null ? own : rotate(own, position, rope)
        })
      }
      cache.push(placed('k', k), v)
      const attended = model.linear(`${name}.self_attn.o_proj`, cache.attend(placed('q', q), scale))
      x = plus(x, scaled(around ? normed(`${name}.post_attention_layernorm`, attended) : attended, residual))
      const before = around ? 'pre_feedforward_layernorm' : 'post_attention_layernorm'
      const mlp = gatedMlp(model, `${name}.mlp`, normed(`${name}.${before}`, x))
      x = plus(x, scaled(around ? normed(`${name}.post_feedforward_layernorm`, mlp) : mlp, residual))
    }
    const logits = model.head(normed('model.norm', x), 'model.embed_tokens')
    const cap = config.final_logit_softcapping
    const divided = scaled(logits, 1 / model.number('logits_scaling', 1))
    return typeof cap === 'number' ? divided.map(v => cap * Math.tanh(v / cap)) : divided
  }
}

function windowOf({ config }: Reader, type: string, layer: number): number | null {
  if (typeof config.sliding_window !== 'number') return null
  const size = config.sliding_window
  if (type === 'mistral' || type === 'phi3') return size
  if (type === 'gemma3_text') return (layer + 1) % Number(config.sliding_window_pattern ?? 6) === 0 ? null : size
  if (config.use_sliding_window !== true) return null
  if (type === 'smollm3') return isRotated(config, layer) ? null : size
  return layer >= Number(config.max_window_layers ?? 28) ? size : null
}

function isRotated(config: Reader['config'], layer: number): boolean {
  const list = config.no_rope_layers
  return Array.isArray(list) ? list[layer] === 1 : (layer + 1) % Number(config.no_rope_layer_interval ?? 4) !== 0
}

function ropeOf(model: Reader, type: string, layer: number): { theta: number; rotated: number } | null {
  const headDim = model.number('head_dim', model.number('hidden_size') / model.number('num_attention_heads'))
  const rotated = Math.trunc(headDim * model.number('partial_rotary_factor', 1))
  if (type === 'smollm3' && !isRotated(model.config, layer)) return null
  const local = type === 'gemma3_text' && windowOf(model, type, layer) !== null
  return { theta: local ? model.number('rope_local_base_freq', 10000) : model.number('rope_theta', 10000), rotated }
}

function projections(
  model: Reader,
  name: string,
  x: Vector,
  { heads, kvHeads, headDim }: { heads: number; kvHeads: number; headDim: number },
): Record<'q' | 'k' | 'v', Vector> {
  if (!model.has(`${name}.qkv_proj.weight`)) {
    const linear = (part: string) => model.linear(`${name}.${part}_proj`, x)
    return { q: linear('q'), k: linear('k'), v: linear('v') }
  }
  const all = model.linear(`${name}.qkv_proj`, x)
  const [a, b] = [heads * headDim, (heads + kvHeads) * headDim]
  return { q: all.slice(0, a), k: all.slice(a, b), v: all.slice(b) }
}

function gatedMlp(model: Reader, name: string, x: Vector): Vector {
  const activation = act(model.config.hidden_activation ?? model.config.hidden_act ?? 'silu')
  const joined = model.has(`${name}.gate_up_proj.weight`) ? model.linear(`${name}.gate_up_proj`, x) : null
  const [gate, up] =
    joined === null
      ? [model.linear(`${name}.gate_proj`, x), model.linear(`${name}.up_proj`, x)]
      : [joined.slice(0, joined.length / 2), joined.slice(joined.length / 2)]
  return model.linear(`${name}.down_proj`, times(gate.map(activation), up))
}
