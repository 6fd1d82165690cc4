/**
 * The forward pass of every architecture written plainly in double precision, one token after another, from the papers'
 * formulas: the independent oracle of the compiler's property tests. Slow and obvious on purpose.
 */

import { falconH1, graniteHybrid, lfm2, qwen35 } from './oracleHybrids.ts'
import { llamaFamily } from './oracleLlama.ts'
import {
  act,
  at,
  Cache,
  ConvState,
  type Fields,
  mamba2Step,
  plus,
  Reader,
  type Step,
  silu,
  softplus,
  times,
  type Vector,
  type Weights,
} from './oracleParts.ts'

/** Logits of every position, `[tokens][vocab]`. */
export function oracleLogits(config: Fields, weights: Weights, tokens: readonly number[]): number[][] {
  const model = new Reader(config, weights)
  const steps: Readonly<Record<string, (model: Reader) => Step>> = {
    gpt2,
    ...{ llama: llamaFamily, mistral: llamaFamily, qwen2: llamaFamily, qwen3: llamaFamily, gemma3_text: llamaFamily },
    ...{ phi3: llamaFamily, smollm3: llamaFamily, granite: llamaFamily, olmo2: llamaFamily },
    ...{ mamba, mamba2, lfm2, falcon_h1: falconH1, granitemoehybrid: graniteHybrid, qwen3_5_text: qwen35 },
  }
  const step = steps[String(config.model_type)]?.(model)
  if (step === undefined) throw new Error(`No oracle for ${String(config.model_type)}.`)
  return tokens.map((token, position) => [...step(token, position)])
}

function gpt2(model: Reader): Step {
  const width = model.number('n_embd')
  const heads = model.number('n_head')
  const headDim = width / heads
  const epsilon = model.number('layer_norm_epsilon', 1e-5)
  const layers = model.number('n_layer')
  const caches = Array.from({ length: layers }, () => new Cache(heads, headDim, null))
  const norm = (name: string, x: Vector): Vector => {
    const mean = x.reduce((a, b) => a + b, 0) / width
    const scale = 1 / Math.sqrt(x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / width + epsilon)
    const [weight, bias] = [model.get(`${name}.weight`), model.get(`${name}.bias`)]
    return x.map((v, i) => (v - mean) * scale * at(weight, i) + at(bias, i))
  }
  return (token, position) => {
    let x = plus(model.row('wte.weight', token, width), model.row('wpe.weight', position, width))
    for (const [layer, cache] of caches.entries()) {
      const qkv = model.linear(`h.${layer}.attn.c_attn`, norm(`h.${layer}.ln_1`, x), true)
      const scale =
        (model.config.scale_attn_weights === false ? 1 : 1 / Math.sqrt(headDim)) /
        (model.config.scale_attn_by_inverse_layer_idx === true ? layer + 1 : 1)
      cache.push(qkv.slice(width, 2 * width), qkv.slice(2 * width))
      x = plus(x, model.linear(`h.${layer}.attn.c_proj`, cache.attend(qkv.slice(0, width), scale), true))
      const inner = model
        .linear(`h.${layer}.mlp.c_fc`, norm(`h.${layer}.ln_2`, x), true)
        .map(act(model.config.activation_function ?? 'gelu_new'))
      x = plus(x, model.linear(`h.${layer}.mlp.c_proj`, inner, true))
    }
    return model.head(norm('ln_f', x), 'wte')
  }
}

function mamba(model: Reader): Step {
  const width = model.number('hidden_size')
  const inner = model.number('expand') * width
  const state = model.number('state_size')
  const epsilon = model.number('layer_norm_epsilon', 1e-5)
  const layers = Array.from({ length: model.number('num_hidden_layers') }, () => ({
    conv: new ConvState(inner, model.number('conv_kernel')),
    ssm: new Float64Array(inner * state),
  }))
  const activation = act(model.config.hidden_act ?? 'silu')
  return token => {
    let x = model.row('backbone.embeddings.weight', token, width)
    for (const [layer, { conv, ssm }] of layers.entries()) {
      const name = `backbone.layers.${layer}.mixer`
      const projected = model.linear(`${name}.in_proj`, model.rms(`backbone.layers.${layer}.norm`, x, epsilon))
      const u = conv.step(model, `${name}.conv1d`, projected.slice(0, inner)).map(activation)
      const selected = model.linear(`${name}.x_proj`, u)
      const rank = selected.length - 2 * state
      const dt = model.linear(`${name}.dt_proj`, selected.slice(0, rank)).map(softplus)
      const [logA, d] = [model.get(`${name}.A_log`), model.get(`${name}.D`)]
      const y = u.map((input, channel) => {
        let sum = at(d, channel) * input
        for (let n = 0; n < state; n++) {
          const i = channel * state + n
          ssm[i] =
            Math.exp(-at(dt, channel) * Math.exp(at(logA, i))) * at(ssm, i) +
            at(dt, channel) * input * at(selected, rank + n)
          sum += at(ssm, i) * at(selected, rank + state + n)
        }
        return sum
      })
      x = plus(x, model.linear(`${name}.out_proj`, times(y, projected.slice(inner).map(silu))))
    }
    return model.head(model.rms('backbone.norm_f', x, epsilon), 'backbone.embeddings')
  }
}

function mamba2(model: Reader): Step {
  const width = model.number('hidden_size')
  const epsilon = model.number('layer_norm_epsilon', 1e-5)
  const shape = {
    inner: model.number('expand') * width,
    ...{ heads: model.number('num_heads'), headDim: model.number('head_dim'), state: model.number('state_size') },
    ...{ groups: model.number('n_groups'), kernel: model.number('conv_kernel'), epsilon, norm: 'gated' as const },
  }
  const mixers = Array.from({ length: model.number('num_hidden_layers') }, (_, layer) =>
    mamba2Step(model, `backbone.layers.${layer}.mixer`, shape),
  )
  return token => {
    let x = model.row('backbone.embeddings.weight', token, width)
    for (const [layer, mixer] of mixers.entries()) {
      x = plus(x, mixer(model.rms(`backbone.layers.${layer}.norm`, x, epsilon)))
    }
    return model.head(model.rms('backbone.norm_f', x, epsilon), 'backbone.embeddings')
  }
}
