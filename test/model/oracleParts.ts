/** What the oracle's formulas are written with: weights by name, a cache, a convolution's history, activations. */
import type { FileTensor } from './safetensorsFile.ts'

export type Vector = Float64Array
export type Fields = Readonly<Record<string, unknown>>
export type Weights = ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>
/** The next token's logits, from the token and its position. */
export type Step = (token: number, position: number) => Vector

export function weightsOf(tensors: readonly FileTensor[]): Weights {
  return new Map(
    tensors.map(({ name, shape, bytes }) => [name, { shape, data: new Float32Array(Uint8Array.from(bytes).buffer) }]),
  )
}

export class Reader {
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

  /** Weights around 1 where `centre` is 1. */
  rms(name: string, x: Vector, epsilon: number, centre = 0): Vector {
    const weight = this.get(`${name}.weight`)
    const scale = 1 / Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length + epsilon)
    return x.map((v, i) => v * scale * (centre + at(weight, i)))
  }

  /** A list of numbers of config.json, or ones. */
  list(name: string, length: number): number[] {
    const list = this.config[name]
    return Array.isArray(list) ? list.map(Number) : Array.from({ length }, () => 1)
  }

  head(x: Vector, table: string): Vector {
    return this.linear(this.has('lm_head.weight') ? 'lm_head' : table, x)
  }
}

export class Cache {
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

/** Applies `map` to every head of a vector by itself. */
export function eachHead(x: Vector, headDim: number, map: (head: Vector, index: number) => Vector): Vector {
  const heads = Array.from({ length: x.length / headDim }, (_, h) => map(x.slice(h * headDim, (h + 1) * headDim), h))
  return Float64Array.from(heads.flatMap(head => [...head]))
}

/** Rotates the first `rotated` numbers of a head, pair i being (x_i, x_{i + rotated/2}). */
export function rotate(x: Vector, position: number, { theta, rotated }: { theta: number; rotated: number }): Vector {
  const half = rotated / 2
  return x.map((v, i) => {
    if (i >= rotated) return v
    const angle = position * theta ** ((-2 * (i % half)) / rotated)
    return v * Math.cos(angle) + (i < half ? -at(x, i + half) : at(x, i - half)) * Math.sin(angle)
  })
}

export class ConvState {
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

export function at(list: ArrayLike<number> | undefined, index: number): number {
  const value = list?.[index]
  if (value === undefined) throw new Error(`The oracle read past an end (${index} of ${list?.length}).`)
  return value
}

export const plus = (a: Vector, b: Vector): Vector => a.map((v, i) => v + at(b, i))
export const scaled = (x: Vector, factor: number): Vector => x.map(v => v * factor)
export const times = (a: Vector, b: Vector): Vector => a.map((v, i) => v * at(b, i))
export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
export const silu = (x: number): number => x * sigmoid(x)
export const softplus = (x: number): number => (x > 30 ? x : Math.log1p(Math.exp(x)))
const geluTanh = (x: number): number => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
const gelu = (x: number): number => 0.5 * x * (1 + erf(x / Math.SQRT2))

export function act(name: unknown): (x: number) => number {
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

export interface Mamba2Shape {
  readonly inner: number
  readonly heads: number
  readonly headDim: number
  readonly state: number
  readonly groups: number
  readonly kernel: number
  readonly epsilon: number
  readonly norm: 'gated' | 'before-gate' | 'none'
  /** Factors of gate, u, B, C and step. */
  readonly multipliers?: readonly number[]
}

/** One Mamba-2 mixer with its memory. */
export function mamba2Step(model: Reader, name: string, shape: Mamba2Shape): (x: Vector) => Vector {
  const { inner, heads, headDim, state, groups, epsilon } = shape
  const channels = inner + 2 * groups * state
  const [low, high] = Array.isArray(model.config.time_step_limit)
    ? model.config.time_step_limit.map(Number)
    : [0, Number.POSITIVE_INFINITY]
  const conv = new ConvState(channels, shape.kernel)
  const ssm = new Float64Array(inner * state)
  const sizes = [inner, inner, groups * state, groups * state, heads]
  const factors = sizes.flatMap((size, i) => Array.from({ length: size }, () => shape.multipliers?.[i] ?? 1))
  return x => {
    const projected = model.linear(`${name}.in_proj`, x).map((v, i) => v * (factors[i] ?? 1))
    const xbc = conv
      .step(model, `${name}.conv1d`, projected.slice(inner, inner + channels))
      .map(act(model.config.hidden_act ?? 'silu'))
    const [bias, logA, d] = ['dt_bias', 'A_log', 'D'].map(part => model.get(`${name}.${part}`))
    const y = Float64Array.from({ length: inner }, (_, i) => {
      const head = Math.floor(i / headDim)
      const group = Math.floor(head / (heads / groups))
      const step = softplus(at(projected, inner + channels + head) + at(bias, head))
      const dt = Math.min(Math.max(step, low ?? 0), high ?? 0)
      let sum = at(d, head) * at(xbc, i)
      for (let n = 0; n < state; n++) {
        const s = i * state + n
        ssm[s] =
          Math.exp(-dt * Math.exp(at(logA, head))) * at(ssm, s) + dt * at(xbc, i) * at(xbc, inner + group * state + n)
        sum += at(ssm, s) * at(xbc, inner + (groups + group) * state + n)
      }
      return sum
    })
    const gate = (v: Vector) => v.map((each, i) => each * silu(at(projected, i)))
    const size = inner / groups
    const norm = (v: Vector) => {
      const weight = model.get(`${name}.norm.weight`)
      return v.map((each, i) => {
        const from = Math.floor(i / size) * size
        const mean = v.subarray(from, from + size).reduce((sum, w) => sum + w * w, 0) / size
        return (each / Math.sqrt(mean + epsilon)) * at(weight, i)
      })
    }
    const out = shape.norm === 'none' ? gate(y) : shape.norm === 'gated' ? norm(gate(y)) : gate(norm(y))
    return model.linear(`${name}.out_proj`, out)
  }
}
