/**
 * The forward pass of every architecture written plainly in double precision, one token after another, from the papers'
 * formulas: the independent oracle of the compiler's property tests. Slow and obvious on purpose.
 */
import type { FileTensor } from './safetensorsFile.ts'

type Vector = Float64Array
type Fields = Readonly<Record<string, unknown>>
export type Weights = ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>

export function weightsOf(tensors: readonly FileTensor[]): Weights {
  return new Map(
    tensors.map(({ name, shape, bytes }) => [name, { shape, data: new Float32Array(Uint8Array.from(bytes).buffer) }]),
  )
}

/** Logits of every position, `[tokens][vocab]`. */
export function oracleLogits(config: Fields, weights: Weights, tokens: readonly number[]): number[][] {
  const model = new Reader(config, weights)
  const steps: Readonly<Record<string, (model: Reader) => Step>> = {
    gpt2,
    llama,
    mistral: llama,
    qwen2: llama,
    qwen3: llama,
    mamba,
    mamba2,
  }
  const step = steps[String(config.model_type)]?.(model)
  if (step === undefined) throw new Error(`No oracle for ${String(config.model_type)}.`)
  return tokens.map((token, position) => [...step(token, position)])
}

type Step = (token: number, position: number) => Vector

class Reader {
  readonly config: Fields
  readonly #weights: Weights

  constructor(config: Fields, weights: Weights) {
    this.config = config
    this.#weights = weights
  }

  number(name: string, fallback?: number): number {
    const value = this.config[name] ?? fallback
    if (typeof value !== 'number') throw new Error(`The oracle needs ${name}.`)
    return value
  }

  has(name: string): boolean {
    return this.#weights.has(name)
  }

  get(name: string): Float32Array {
    const found = this.#weights.get(name)
    if (found === undefined) throw new Error(`The oracle needs the tensor ${name}.`)
    return found.data
  }

  row(name: string, index: number, width: number): Vector {
    return Float64Array.from(this.get(name).subarray(index * width, (index + 1) * width))
  }

  /** y = W x + b, W stored [out, in]; Conv1D stores [in, out]. */
  linear(name: string, x: Vector, transposed = false): Vector {
    const weight = this.get(`${name}.weight`)
    const outputs = weight.length / x.length
    const bias = this.has(`${name}.bias`) ? this.get(`${name}.bias`) : null
    return Float64Array.from({ length: outputs }, (_, o) => {
      let sum = bias?.[o] ?? 0
      for (let i = 0; i < x.length; i++) sum += at(x, i) * at(weight, transposed ? i * outputs + o : o * x.length + i)
      return sum
    })
  }

  rms(name: string, x: Vector, epsilon: number): Vector {
    const weight = this.get(`${name}.weight`)
    const scale = 1 / Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length + epsilon)
    return x.map((v, i) => v * scale * at(weight, i))
  }

  head(x: Vector, table: string): Vector {
    return this.linear(this.has('lm_head.weight') ? 'lm_head' : table, x)
  }
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

function llama(model: Reader): Step {
  const { config } = model
  const width = model.number('hidden_size')
  const heads = model.number('num_attention_heads')
  const kvHeads = model.number('num_key_value_heads', heads)
  const headDim = model.number('head_dim', width / heads)
  const epsilon = model.number('rms_norm_eps', 1e-6)
  const theta = model.number('rope_theta', 10000)
  const window = (layer: number): number | null => {
    if (typeof config.sliding_window !== 'number') return null
    if (config.model_type === 'mistral') return config.sliding_window
    return config.use_sliding_window === true && layer >= model.number('max_window_layers', 28)
      ? config.sliding_window
      : null
  }
  const caches = Array.from(
    { length: model.number('num_hidden_layers') },
    (_, layer) => new Cache(kvHeads, headDim, window(layer)),
  )
  const perHead = (x: Vector, map: (head: Vector) => Vector): Vector =>
    Float64Array.from(
      Array.from({ length: x.length / headDim }, (_, h) => [...map(x.slice(h * headDim, (h + 1) * headDim))]).flat(),
    )
  const rotate =
    (position: number) =>
    (x: Vector): Vector =>
      x.map((v, i) => {
        const half = headDim / 2
        const angle = position * theta ** ((-2 * (i % half)) / headDim)
        return v * Math.cos(angle) + (i < half ? -at(x, i + half) : at(x, i - half)) * Math.sin(angle)
      })
  return (token, position) => {
    let x = model.row('model.embed_tokens.weight', token, width)
    for (const [layer, cache] of caches.entries()) {
      const name = `model.layers.${layer}`
      const h = model.rms(`${name}.input_layernorm`, x, epsilon)
      const headNorm = (part: string, v: Vector) =>
        model.has(`${name}.self_attn.${part}_norm.weight`)
          ? perHead(v, head => model.rms(`${name}.self_attn.${part}_norm`, head, epsilon))
          : v
      const q = perHead(headNorm('q', model.linear(`${name}.self_attn.q_proj`, h)), rotate(position))
      const k = perHead(headNorm('k', model.linear(`${name}.self_attn.k_proj`, h)), rotate(position))
      cache.push(k, model.linear(`${name}.self_attn.v_proj`, h))
      x = plus(x, model.linear(`${name}.self_attn.o_proj`, cache.attend(q, 1 / Math.sqrt(headDim))))
      const m = model.rms(`${name}.post_attention_layernorm`, x, epsilon)
      const gate = model.linear(`${name}.mlp.gate_proj`, m).map(act(config.hidden_act ?? 'silu'))
      x = plus(x, model.linear(`${name}.mlp.down_proj`, times(gate, model.linear(`${name}.mlp.up_proj`, m))))
    }
    return model.head(model.rms('model.norm', x, epsilon), 'model.embed_tokens')
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
      x = plus(x, model.linear(`${name}.out_proj`, times(y, projected.slice(inner).map(activation))))
    }
    return model.head(model.rms('backbone.norm_f', x, epsilon), 'backbone.embeddings')
  }
}

function mamba2(model: Reader): Step {
  const width = model.number('hidden_size')
  const inner = model.number('expand') * width
  const [heads, headDim] = [model.number('num_heads'), model.number('head_dim')]
  const [state, groups] = [model.number('state_size'), model.number('n_groups')]
  const epsilon = model.number('layer_norm_epsilon', 1e-5)
  const channels = inner + 2 * groups * state
  const limit = Array.isArray(model.config.time_step_limit)
    ? model.config.time_step_limit.map(Number)
    : [0, Number.POSITIVE_INFINITY]
  const layers = Array.from({ length: model.number('num_hidden_layers') }, () => ({
    conv: new ConvState(channels, model.number('conv_kernel')),
    ssm: new Float64Array(inner * state),
  }))
  return token => {
    let x = model.row('backbone.embeddings.weight', token, width)
    for (const [layer, { conv, ssm }] of layers.entries()) {
      const name = `backbone.layers.${layer}.mixer`
      const projected = model.linear(`${name}.in_proj`, model.rms(`backbone.layers.${layer}.norm`, x, epsilon))
      const xbc = conv
        .step(model, `${name}.conv1d`, projected.slice(inner, inner + channels))
        .map(act(model.config.hidden_act ?? 'silu'))
      const [bias, logA, d, weight] = ['dt_bias', 'A_log', 'D', 'norm.weight'].map(part => model.get(`${name}.${part}`))
      const y = Float64Array.from({ length: inner }, (_, i) => {
        const head = Math.floor(i / headDim)
        const group = Math.floor(head / (heads / groups))
        const dt = Math.min(
          Math.max(softplus(at(projected, inner + channels + head) + at(bias, head)), limit[0] ?? 0),
          limit[1] ?? 0,
        )
        let sum = at(d, head) * at(xbc, i)
        for (let n = 0; n < state; n++) {
          const s = i * state + n
          ssm[s] =
            Math.exp(-dt * Math.exp(at(logA, head))) * at(ssm, s) + dt * at(xbc, i) * at(xbc, inner + group * state + n)
          sum += at(ssm, s) * at(xbc, inner + (groups + group) * state + n)
        }
        return sum * silu(at(projected, i))
      })
      const size = inner / groups
      const normed = y.map((v, i) => {
        const from = Math.floor(i / size) * size
        const mean = y.subarray(from, from + size).reduce((sum, each) => sum + each * each, 0) / size
        return (v / Math.sqrt(mean + epsilon)) * at(weight, i)
      })
      x = plus(x, model.linear(`${name}.out_proj`, normed))
    }
    return model.head(model.rms('backbone.norm_f', x, epsilon), 'backbone.embeddings')
  }
}

class Cache {
  readonly #heads: number
  readonly #headDim: number
  readonly #window: number | null
  readonly #keys: Vector[] = []
  readonly #values: Vector[] = []

  constructor(heads: number, headDim: number, window: number | null) {
    this.#heads = heads
    this.#headDim = headDim
    this.#window = window
  }

  push(key: Vector, value: Vector): void {
    this.#keys.push(key)
    this.#values.push(value)
  }

  /** q of the newest token over everything it may see. */
  attend(q: Vector, scale: number): Vector {
    const dim = this.#headDim
    const repeat = q.length / dim / this.#heads
    const from = this.#window === null ? 0 : Math.max(0, this.#keys.length - this.#window)
    const out = new Float64Array(q.length)
    for (let head = 0; head < q.length / dim; head++) {
      const kv = Math.floor(head / repeat) * dim
      const scores = this.#keys.slice(from).map(key => {
        let dot = 0
        for (let i = 0; i < dim; i++) dot += at(q, head * dim + i) * at(key, kv + i)
        return dot * scale
      })
      const top = Math.max(...scores)
      const weights = scores.map(score => Math.exp(score - top))
      const total = weights.reduce((a, b) => a + b, 0)
      for (const [index, weight] of weights.entries()) {
        const value = this.#values[from + index] ?? out
        for (let i = 0; i < dim; i++)
          out[head * dim + i] = at(out, head * dim + i) + (weight / total) * at(value, kv + i)
      }
    }
    return out
  }
}

class ConvState {
  readonly #kernel: number
  readonly #columns: Vector[]

  constructor(channels: number, kernel: number) {
    this.#kernel = kernel
    this.#columns = Array.from({ length: kernel }, () => new Float64Array(channels))
  }

  step(model: Reader, name: string, x: Vector): Vector {
    this.#columns.shift()
    this.#columns.push(x)
    const weight = model.get(`${name}.weight`)
    const bias = model.has(`${name}.bias`) ? model.get(`${name}.bias`) : null
    return x.map((_, channel) =>
      this.#columns.reduce(
        (sum, column, k) => sum + at(column, channel) * at(weight, channel * this.#kernel + k),
        bias?.[channel] ?? 0,
      ),
    )
  }
}

function at(list: ArrayLike<number> | undefined, index: number): number {
  const value = list?.[index]
  if (value === undefined) throw new Error(`The oracle read past an end (${index} of ${list?.length}).`)
  return value
}

const plus = (a: Vector, b: Vector): Vector => a.map((v, i) => v + at(b, i))
const times = (a: Vector, b: Vector): Vector => a.map((v, i) => v * at(b, i))
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
const silu = (x: number): number => x * sigmoid(x)
const softplus = (x: number): number => (x > 30 ? x : Math.log1p(Math.exp(x)))
const geluTanh = (x: number): number => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
const gelu = (x: number): number => 0.5 * x * (1 + erf(x / Math.SQRT2))

function act(name: unknown): (x: number) => number {
  const functions: Record<string, (x: number) => number> = {
    silu,
    swish: silu,
    gelu,
    gelu_python: gelu,
    gelu_10: x => Math.min(Math.max(gelu(x), -10), 10),
    gelu_new: geluTanh,
    gelu_fast: geluTanh,
    gelu_accurate: geluTanh,
    gelu_pytorch_tanh: geluTanh,
    gelu_python_tanh: geluTanh,
    quick_gelu: x => x * sigmoid(1.702 * x),
    relu: x => Math.max(x, 0),
    relu2: x => Math.max(x, 0) ** 2,
    relu6: x => Math.min(Math.max(x, 0), 6),
    leaky_relu: x => (x > 0 ? x : 0.01 * x),
    mish: x => x * Math.tanh(softplus(x)),
    hardswish: x => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
    tanh: Math.tanh,
    sigmoid,
    linear: x => x,
  }
  const found = functions[String(name)]
  if (found === undefined) throw new Error(`The oracle has no activation ${String(name)}.`)
  return found
}

/** Series for small arguments, continued fraction beyond: double precision to about 1e-14. */
function erf(x: number): number {
  if (x < 0) return -erf(-x)
  if (x > 6) return 1
  if (x < 2.5) {
    let term = x
    let sum = x
    for (let n = 1; Math.abs(term) > 1e-17; n++) {
      term *= (-x * x) / n
      sum += term / (2 * n + 1)
    }
    return (2 / Math.sqrt(Math.PI)) * sum
  }
  let fraction = 0
  for (let k = 60; k > 0; k--) fraction = k / 2 / (x + fraction)
  return 1 - Math.exp(-x * x) / (Math.sqrt(Math.PI) * (x + fraction))
}
