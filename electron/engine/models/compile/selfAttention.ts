/** A layer's attention: projections, rotation, scores over the cache, and the way back to the width of the model. */
import type { Value } from './graphBuilder.ts'
import type { GraphWeights } from './graphWeights.ts'
import type { HeadGeometry, KeyValueAttention } from './keyValueAttention.ts'
import type { RotaryEmbedding } from './rotary.ts'

export interface SelfAttention extends HeadGeometry {
  readonly layer: number
  /** Where the projections are: `<at>.q_proj`, `k_proj`, `v_proj` and `<at>.<output>`. */
  readonly at: string
  /** Default `o_proj`. */
  readonly output?: string
  readonly width: number
  readonly bias: { readonly qkv: boolean; readonly output: boolean }
  /** null: this layer does not know of positions. */
  readonly rotary: RotaryEmbedding | null
  /** Norm of queries or keys before the rotation, `[N, n·headDim]` -> the same numbers. */
  readonly norm?: (part: 'q' | 'k', x: Value) => Value
  /** Queries, keys and values in one tensor, `<at>.qkv_proj` (Phi-3). */
  readonly fused?: boolean
  /** Beside each query head lies a gate of its size, through whose sigmoid the result goes (Qwen3.5). */
  readonly gated?: boolean
  /** What keys are multiplied with; default 1. */
  readonly keyMultiplier?: number
}

/** `[N, width] -> [N, width]`. */
export function selfAttention(attention: KeyValueAttention, weights: GraphWeights, x: Value, a: SelfAttention): Value {
  const { frame } = attention
  const { graph } = frame
  const [inner, kvInner] = [a.heads * a.headDim, a.kvHeads * a.headDim]
  const { q, k, v, gate } = project(attention, weights, x, a)
  const turned = (part: 'q' | 'k', value: Value): Value => {
    const rows = frame.unflatten(a.norm?.(part, value) ?? value) // [B, T, n·headDim]
    return a.rotary?.rotate(rows, { heads: part === 'q' ? a.heads : a.kvHeads, headDim: a.headDim }) ?? rows
  }
  const keys = graph.scale(turned('k', frame.reshape(k, [-1, kvInner])), a.keyMultiplier ?? 1)
  const attended = attention.attend(a.layer, [turned('q', q), keys, frame.unflatten(v)], a)
  const flat = frame.flatten(attended, inner)
  const result = gate === null ? flat : graph.op('Mul', [flat, graph.op('Sigmoid', [gate])])
  return weights.linear(result, `${a.at}.${a.output ?? 'o_proj'}`, [a.width, inner], a.bias.output)
}

/** q `[N, heads·headDim]`, k and v `[N, kvHeads·headDim]`, the gate like q. */
function project(
  { frame }: KeyValueAttention,
  weights: GraphWeights,
  x: Value,
  a: SelfAttention,
): { q: Value; k: Value; v: Value; gate: Value | null } {
  const { graph } = frame
  const [inner, kvInner] = [a.heads * a.headDim, a.kvHeads * a.headDim]
  if (a.fused === true) {
    const all = weights.linear(x, `${a.at}.qkv_proj`, [inner + 2 * kvInner, a.width], a.bias.qkv)
    const sizes = graph.int64([inner, kvInner, kvInner])
    const [q = '', k = '', v = ''] = graph.split('Split', [all, sizes], 3, { axis: 1 })
    return { q, k, v, gate: null }
  }
  const linear = (part: string, size: number): Value =>
    weights.linear(x, `${a.at}.${part}_proj`, [size, a.width], a.bias.qkv)
  const first = linear('q', a.gated === true ? 2 * inner : inner)
  const [k, v] = [linear('k', kvInner), linear('v', kvInner)]
  if (a.gated !== true) return { q: first, k, v, gate: null }
  const pairs = frame.reshape(first, [-1, a.heads, 2 * a.headDim])
  const [q = '', gate = ''] = graph
    .split('Split', [pairs], 2, { axis: 2, num_outputs: 2 })
    .map(half => frame.reshape(half, [-1, inner]))
  return { q, k, v, gate }
}
