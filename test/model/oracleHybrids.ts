import {
  act,
  at,
  Cache,
  ConvState,
  eachHead,
  mamba2Step,
  plus,
  type Reader,
  rotate,
  type Step,
  scaled,
  sigmoid,
  silu,
  softplus,
  times,
  type Vector,
} from './oracleParts.ts'

type Layer = (x: Vector, position: number) => Vector

/** Attention of one layer with its cache; `norm` is the name of a norm for each head. */
function attention(
  model: Reader,
  name: string,
  a: {
    scale?: number
    rotated?: number
    theta?: number
    keyFactor?: number
    norm?: string
    centre?: number
    out?: string
  },
): Layer {
  const heads = model.number('num_attention_heads')
  const kvHeads = model.number('num_key_value_heads', heads)
  const headDim = model.number('head_dim', model.number('hidden_size') / heads)
  const epsilon = model.number('rms_norm_eps', model.number('norm_eps', 1e-6))
  const cache = new Cache(kvHeads, headDim, null)
  return (x, position) => {
    const placed = (part: string, value: Vector) =>
      eachHead(value, headDim, head => {
        const normed = a.norm === undefined ? head : model.rms(`${name}.${part}_${a.norm}`, head, epsilon, a.centre)
        return a.theta === undefined
          ? normed
          : rotate(normed, position, { theta: a.theta, rotated: a.rotated ?? headDim })
      })
    const all = model.linear(`${name}.q_proj`, x)
    const gated = all.length === 2 * heads * headDim
    const part = (from: number) =>
      gated ? eachHead(all, 2 * headDim, head => head.slice(from * headDim, (from + 1) * headDim)) : all
    cache.push(
      scaled(placed('k', model.linear(`${name}.k_proj`, x)), a.keyFactor ?? 1),
      model.linear(`${name}.v_proj`, x),
    )
    const attended = cache.attend(placed('q', part(0)), a.scale ?? 1 / Math.sqrt(headDim))
    return model.linear(`${name}.${a.out ?? 'o_proj'}`, gated ? times(attended, part(1).map(sigmoid)) : attended)
  }
}

function mlpOf(
  model: Reader,
  [gate, up, down]: readonly [string, string, string],
  gateFactor = 1,
): (x: Vector) => Vector {
  const activation = act(model.config.hidden_act ?? 'silu')
  return x => {
    const g = scaled(model.linear(gate, x), gateFactor).map(activation)
    return model.linear(down, times(g, model.linear(up, x)))
  }
}

export function lfm2(model: Reader): Step {
  const width = model.number('hidden_size')
  const epsilon = model.number('norm_eps', 1e-5)
  const types: unknown = model.config.layer_types
  const kinds = Array.isArray(types) ? types : []
  const mixers = kinds.map((kind, layer): Layer => {
    const name = `model.layers.${layer}`
    if (kind === 'full_attention') {
      const theta = model.number('rope_theta', 1e6)
      return attention(model, `${name}.self_attn`, { theta, norm: 'layernorm', out: 'out_proj' })
    }
    const conv = new ConvState(width, model.number('conv_L_cache'))
    return x => {
      const all = model.linear(`${name}.conv.in_proj`, x)
      const [b, c, u] = [0, 1, 2].map(i => all.slice(i * width, (i + 1) * width))
      const convolved = conv.step(model, `${name}.conv.conv`, times(b ?? all, u ?? all))
      return model.linear(`${name}.conv.out_proj`, times(c ?? all, convolved))
    }
  })
  return (token, position) => {
    let x = model.row('model.embed_tokens.weight', token, width)
    for (const [layer, mixer] of mixers.entries()) {
      const name = `model.layers.${layer}`
      x = plus(x, mixer(model.rms(`${name}.operator_norm`, x, epsilon), position))
      const h = model.rms(`${name}.ffn_norm`, x, epsilon)
      const [w1, w3] = [model.linear(`${name}.feed_forward.w1`, h), model.linear(`${name}.feed_forward.w3`, h)]
      x = plus(x, model.linear(`${name}.feed_forward.w2`, times(w1.map(silu), w3)))
    }
    return model.head(model.rms('model.embedding_norm', x, epsilon), 'model.embed_tokens')
  }
}

/** The Mamba-2 part as `mamba_…` fields describe it. */
function mambaPart(
  model: Reader,
  name: string,
  more: { inner: number; norm: 'gated' | 'before-gate' | 'none' },
): Layer {
  const heads = model.number('mamba_n_heads')
  return mamba2Step(model, name, {
    ...{
      heads,
      headDim: more.inner / heads,
      state: model.number('mamba_d_state'),
      groups: model.number('mamba_n_groups'),
    },
    ...{ kernel: model.number('mamba_d_conv'), epsilon: model.number('rms_norm_eps', 1e-5), ...more },
    multipliers: model.list('ssm_multipliers', 5),
  })
}

export function falconH1(model: Reader): Step {
  const { config } = model
  const width = model.number('hidden_size')
  const epsilon = model.number('rms_norm_eps', 1e-5)
  const factor = (name: string) => model.number(`${name}_multiplier`, 1)
  const [gateFactor = 1, downFactor = 1] = model.list('mlp_multipliers', 2)
  const norm =
    config.mamba_rms_norm === true ? (config.mamba_norm_before_gate === false ? 'gated' : 'before-gate') : 'none'
  const inner = typeof config.mamba_d_ssm === 'number' ? config.mamba_d_ssm : model.number('mamba_expand') * width
  const layers = Array.from({ length: model.number('num_hidden_layers') }, (_, layer) => {
    const name = `model.layers.${layer}`
    const ff = `${name}.feed_forward`
    return {
      name,
      mamba: mambaPart(model, `${name}.mamba`, { inner, norm }),
      attention: attention(model, `${name}.self_attn`, {
        ...{ theta: model.number('rope_theta', 10000), keyFactor: factor('key') },
      }),
      mlp: mlpOf(model, [`${ff}.gate_proj`, `${ff}.up_proj`, `${ff}.down_proj`], gateFactor),
    }
  })
  return (token, position) => {
    let x = scaled(model.row('model.embed_tokens.weight', token, width), factor('embedding'))
    for (const { name, mamba, attention, mlp } of layers) {
      const h = model.rms(`${name}.input_layernorm`, x, epsilon)
      const recurrent = scaled(mamba(scaled(h, factor('ssm_in')), position), factor('ssm_out'))
      const attended = scaled(attention(scaled(h, factor('attention_in')), position), factor('attention_out'))
      x = plus(x, plus(recurrent, attended))
      x = plus(x, scaled(mlp(model.rms(`${name}.pre_ff_layernorm`, x, epsilon)), downFactor))
    }
    return scaled(model.head(model.rms('model.final_layernorm', x, epsilon), 'model.embed_tokens'), factor('lm_head'))
  }
}

export function graniteHybrid(model: Reader): Step {
  const { config } = model
  const width = model.number('hidden_size')
  const epsilon = model.number('rms_norm_eps', 1e-6)
  const residual = model.number('residual_multiplier', 1)
  const types: unknown = config.layer_types
  const rope = config.position_embedding_type === 'rope' ? { theta: model.number('rope_theta', 10000) } : {}
  const mixers = (Array.isArray(types) ? types : []).map((kind, layer): Layer => {
    const name = `model.layers.${layer}`
    return kind === 'full_attention' || kind === 'attention'
      ? attention(model, `${name}.self_attn`, { scale: model.number('attention_multiplier', 1), ...rope })
      : mambaPart(model, `${name}.mamba`, { inner: model.number('mamba_expand') * width, norm: 'gated' })
  })
  const activation = act(config.hidden_act ?? 'silu')
  return (token, position) => {
    const factor = model.number('embedding_multiplier', 1)
    let x = scaled(model.row('model.embed_tokens.weight', token, width), factor)
    for (const [layer, mixer] of mixers.entries()) {
      const name = `model.layers.${layer}`
      x = plus(x, scaled(mixer(model.rms(`${name}.input_layernorm`, x, epsilon), position), residual))
      const both = model.linear(
        `${name}.shared_mlp.input_linear`,
        model.rms(`${name}.post_attention_layernorm`, x, epsilon),
      )
      const [gate, up] = [both.slice(0, both.length / 2), both.slice(both.length / 2)]
      x = plus(x, scaled(model.linear(`${name}.shared_mlp.output_linear`, times(gate.map(activation), up)), residual))
    }
    const logits = model.head(model.rms('model.norm', x, epsilon), 'model.embed_tokens')
    return scaled(logits, 1 / model.number('logits_scaling', 1))
  }
}

export function qwen35(model: Reader): Step {
  const width = model.number('hidden_size')
  const epsilon = model.number('rms_norm_eps', 1e-6)
  const headDim = model.number('head_dim')
  const rotated = Math.trunc(headDim * model.number('partial_rotary_factor', 0.25))
  const types: unknown = model.config.layer_types
  const layers = (Array.isArray(types) ? types : []).map((kind, layer) => {
    const name = `model.layers.${layer}`
    const ff = `${name}.mlp`
    return {
      name,
      mixer:
        kind === 'full_attention'
          ? attention(model, `${name}.self_attn`, {
              ...{ theta: model.number('rope_theta', 10000), rotated, norm: 'norm', centre: 1 },
            })
          : gatedDelta(model, `${name}.linear_attn`),
      mlp: mlpOf(model, [`${ff}.gate_proj`, `${ff}.up_proj`, `${ff}.down_proj`]),
    }
  })
  return (token, position) => {
    let x = model.row('model.embed_tokens.weight', token, width)
    for (const { name, mixer, mlp } of layers) {
      x = plus(x, mixer(model.rms(`${name}.input_layernorm`, x, epsilon, 1), position))
      x = plus(x, mlp(model.rms(`${name}.post_attention_layernorm`, x, epsilon, 1)))
    }
    return model.head(model.rms('model.norm', x, epsilon, 1), 'model.embed_tokens')
  }
}

/** S ← a S; S ← S + k (β (v - Sᵀ k))ᵀ; y = Sᵀ q / √dim. */
function gatedDelta(model: Reader, name: string): Layer {
  const [keyHeads, valueHeads] = [model.number('linear_num_key_heads'), model.number('linear_num_value_heads')]
  const [keyDim, valueDim] = [model.number('linear_key_head_dim'), model.number('linear_value_head_dim')]
  const [keys, values] = [keyHeads * keyDim, valueHeads * valueDim]
  const conv = new ConvState(2 * keys + values, model.number('linear_conv_kernel_dim'))
  const memory = Array.from({ length: valueHeads }, () => new Float64Array(keyDim * valueDim))
  const activation = act(model.config.hidden_act ?? 'silu')
  const unit = (x: Vector) => scaled(x, 1 / Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) + 1e-6))
  return x => {
    const mixed = conv.step(model, `${name}.conv1d`, model.linear(`${name}.in_proj_qkv`, x)).map(activation)
    const [a, b] = [model.linear(`${name}.in_proj_a`, x), model.linear(`${name}.in_proj_b`, x)]
    const [bias, logA] = [model.get(`${name}.dt_bias`), model.get(`${name}.A_log`)]
    const z = model.linear(`${name}.in_proj_z`, x)
    const y = memory.flatMap((s, head) => {
      const from = Math.floor(head / (valueHeads / keyHeads)) * keyDim
      const [q, k] = [unit(mixed.slice(from, from + keyDim)), unit(mixed.slice(keys + from, keys + from + keyDim))]
      const fade = Math.exp(-Math.exp(at(logA, head)) * softplus(at(a, head) + at(bias, head)))
      for (let i = 0; i < s.length; i++) s[i] = at(s, i) * fade
      const out = new Float64Array(valueDim)
      for (let j = 0; j < valueDim; j++) {
        let read = 0
        for (let i = 0; i < keyDim; i++) read += at(s, i * valueDim + j) * at(k, i)
        const error = sigmoid(at(b, head)) * (at(mixed, 2 * keys + head * valueDim + j) - read)
        for (let i = 0; i < keyDim; i++) {
          s[i * valueDim + j] = at(s, i * valueDim + j) + at(k, i) * error
          out[j] = at(out, j) + (at(s, i * valueDim + j) * at(q, i)) / Math.sqrt(keyDim)
        }
      }
      return [...model.rms(`${name}.norm`, out, model.number('rms_norm_eps', 1e-6))]
    })
    return model.linear(`${name}.out_proj`, times(Float64Array.from(y), z.map(silu)))
  }
}
