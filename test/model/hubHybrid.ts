/**
 * Small hybrids with the names and shapes of the hub's exports (LFM2, Granite-4, Falcon-H1, Qwen3.5), and what they must
 * answer, in plain loops. As there, a convolution's state is `kernel` inputs wide although only `kernel - 1` are read,
 * the recurrent state is `[heads, head size, state]`, attention has more query heads than key heads, with
 * GroupQueryAttention (its lengths computed from attention_mask) or written out.
 */
import { GraphBuilder, type Value } from '#engine/models/compile/graphBuilder.ts'

export type HybridPart = 'conv' | 'ssm' | 'recurrent' | 'attention' | 'fused-attention'

export interface HubHybrid {
  readonly layers: readonly (readonly HybridPart[])[]
  readonly vocab: number
}

export const HYBRID = { width: 16, kernel: 4, heads: 2, headDim: 8, state: 3, kvHeads: 2, queryHeads: 4 } as const
const { width, kernel, heads, headDim, state, kvHeads, queryHeads } = HYBRID
const repeat = queryHeads / kvHeads
const FLOAT = 1
const INT32 = 6
const END = Number.MAX_SAFE_INTEGER

/** Weights by name: `[rows, columns]`, repeatable numbers. */
function matrix(rows: number, columns: number, seed: number): Float32Array {
  return Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i * 1.37 + seed * 7.1) * 0.25)
}
const decayOf = (head: number) => 0.5 + 0.3 * head
const kernels = () => matrix(width, kernel, 3)

export function hubHybridGraph({ layers, vocab }: HubHybrid): Uint8Array {
  const graph = new GraphBuilder()
  const ids = graph.input('input_ids', 'int64', ['batch_size', 'sequence_length'])
  const mask = graph.input('attention_mask', 'int64', ['batch_size', 'total_sequence_length'])
  const lastPositions = graph.input('num_logits_to_keep', 'int64', [])
  const table = graph.table('embedding', [vocab, width], matrix(vocab, width, 1))
  let x = graph.op('Gather', [table, ids])
  for (const [layer, parts] of layers.entries()) {
    for (const part of parts) x = graph.op('Add', [x, builders[part](graph, { layer, x, mask })])
  }
  const start = graph.op('Neg', [graph.op('Reshape', [lastPositions, graph.int64([1])])])
  const kept = graph.op('Slice', [x, start, graph.int64([END]), graph.int64([1])])
  graph.op('MatMul', [kept, graph.op('Transpose', [table], { perm: [1, 0] })], {}, 'logits')
  graph.output('logits', 'float32', ['batch_size', 'num_logits_to_keep', vocab])
  return graph.encode('hub-hybrid')
}

type Builder = (graph: GraphBuilder, at: { layer: number; x: Value; mask: Value }) => Value

const project = (graph: GraphBuilder, x: Value, [name, columns, seed]: [string, number, number]) =>
  graph.op('MatMul', [x, graph.table(name, [width, columns], matrix(width, columns, seed))])

const last = (graph: GraphBuilder, value: Value, [count, axis]: [number, number]) =>
  graph.op('Slice', [value, graph.int64([-count]), graph.int64([END]), graph.int64([axis])])

const recurrence =
  (name: 'ssm' | 'recurrent'): Builder =>
  (graph, { layer, x }) => {
    const dims = ['batch_size', heads, headDim, state]
    const past = graph.input(`past_${name}.${layer}`, 'float32', dims)
    const inputs = graph.op('Reshape', [x, graph.int64([0, 0, heads, headDim])]) // [B, T, H, P]
    const b = project(graph, x, ['b', state, 4]) // [B, T, N]
    const c = project(graph, x, ['c', state, 5])
    const tokens = graph.op('Squeeze', [graph.op('Shape', [x], { start: 1, end: 2 })])
    const range = graph.op('Cast', [graph.op('Range', [graph.int64(0), tokens, graph.int64(1)])], { to: FLOAT })
    const logDecays = graph.table(
      'decays',
      [heads, 1, 1],
      Float32Array.from({ length: heads }, (_, h) => Math.log(decayOf(h))),
    )
    const faded = (steps: Value) => graph.op('Exp', [graph.op('Mul', [logDecays, steps])])
    const column = graph.op('Reshape', [range, graph.int64([1, -1, 1])])
    const lag = graph.op('Sub', [column, graph.op('Reshape', [range, graph.int64([1, 1, -1])])]) // t - s
    const lower = graph.op('Trilu', [faded(graph.op('Abs', [lag]))], { upper: 0 }) // [H, T, S]
    const flow = graph.op('Transpose', [inputs], { perm: [0, 2, 1, 3] }) // [B, H, S, P]
    const cb = graph.op('MatMul', [c, graph.op('Transpose', [b], { perm: [0, 2, 1] })]) // [B, T, S]
    const weights = graph.op('Mul', [graph.op('Unsqueeze', [cb, graph.int64([1])]), lower])
    const carry = faded(graph.op('Add', [column, graph.float32(1)])) // [H, T, 1]
    const read = graph.op('MatMul', [
      graph.op('Unsqueeze', [c, graph.int64([1])]),
      graph.op('Transpose', [past], { perm: [0, 1, 3, 2] }),
    ]) // [B, H, T, P]
    const y = graph.op('Add', [graph.op('MatMul', [weights, flow]), graph.op('Mul', [read, carry])])
    // h = Σ decay^(T-1-s) x_s ⊗ b_s + decay^T past
    const toEnd = last(graph, lower, [1, 1]) // [H, 1, S]
    const weighted = graph.op('Mul', [flow, graph.op('Transpose', [toEnd], { perm: [0, 2, 1] })])
    const added = graph.op('MatMul', [
      graph.op('Transpose', [weighted], { perm: [0, 1, 3, 2] }),
      graph.op('Unsqueeze', [b, graph.int64([1])]),
    ])
    graph.op('Add', [added, graph.op('Mul', [past, last(graph, carry, [1, 1])])], {}, `present_${name}.${layer}`)
    graph.output(`present_${name}.${layer}`, 'float32', dims)
    return graph.op('Reshape', [graph.op('Transpose', [y], { perm: [0, 2, 1, 3] }), graph.int64([0, 0, width])])
  }

const attention =
  (fused: boolean): Builder =>
  (graph, { layer, x, mask }) => {
    const name = (part: string) => `past_key_values.${layer}.${part}`
    const dims = ['batch_size', kvHeads, 'past_sequence_length', headDim]
    const pastKey = graph.input(name('key'), 'float32', dims)
    const pastValue = graph.input(name('value'), 'float32', dims)
    const q = project(graph, x, ['q', queryHeads * headDim, 6])
    const k = project(graph, x, ['k', kvHeads * headDim, 7])
    const v = project(graph, x, ['v', kvHeads * headDim, 8])
    const out = fused
      ? fusedAttention(graph, { layer, q, k, v, pastKey, pastValue, mask })
      : plainAttention(graph, { layer, q, k, v, pastKey, pastValue })
    for (const part of ['key', 'value']) {
      const present = ['batch_size', kvHeads, 'total_sequence_length', headDim]
      graph.output(`present.${layer}.${part}`, 'float32', present)
    }
    const o = graph.table('o', [queryHeads * headDim, width], matrix(queryHeads * headDim, width, 9))
    return graph.op('MatMul', [out, o])
  }

type Attended = Record<'q' | 'k' | 'v' | 'pastKey' | 'pastValue', Value> & { layer: number }

function fusedAttention(graph: GraphBuilder, { layer, mask, ...at }: Attended & { mask: Value }): Value {
  const sums = graph.op('ReduceSum', [mask, graph.int64([1])], { keepdims: 0 })
  const lengths = graph.op('Cast', [graph.op('Sub', [sums, graph.int64(1)])], { to: INT32 })
  const total = graph.op('Squeeze', [graph.op('Shape', [mask], { start: 1, end: 2 })])
  const out = graph.name('attended')
  graph.node(
    'GroupQueryAttention',
    [at.q, at.k, at.v, at.pastKey, at.pastValue, lengths, graph.op('Cast', [total], { to: INT32 })],
    [out, `present.${layer}.key`, `present.${layer}.value`],
    { num_heads: queryHeads, kv_num_heads: kvHeads },
  )
  return out
}

function plainAttention(graph: GraphBuilder, { layer, q, k, v, pastKey, pastValue }: Attended): Value {
  const split = (value: Value, count: number) =>
    graph.op('Transpose', [graph.op('Reshape', [value, graph.int64([0, 0, count, headDim])])], { perm: [0, 2, 1, 3] })
  const keys = graph.op('Concat', [pastKey, split(k, kvHeads)], { axis: 2 }, `present.${layer}.key`)
  const values = graph.op('Concat', [pastValue, split(v, kvHeads)], { axis: 2 }, `present.${layer}.value`)
  // [B, kv, repeat · T, D]: the query heads of one key head as further rows.
  const queries = graph.op('Reshape', [split(q, queryHeads), graph.int64([0, kvHeads, repeat, -1, headDim])])
  const wide = (value: Value) => graph.op('Unsqueeze', [value, graph.int64([2])])
  const scores = graph.op('MatMul', [queries, graph.op('Transpose', [wide(keys)], { perm: [0, 1, 2, 4, 3] })])
  const scaled = graph.op('Mul', [scores, graph.float32(1 / Math.sqrt(headDim))])
  const length = (value: Value) => graph.op('Shape', [value], { start: 2, end: 3 })
  const diagonal = graph.op('Squeeze', [graph.op('Add', [length(pastKey), graph.int64([1])])])
  const hidden = graph.op('Trilu', [graph.op('Expand', [graph.float32(-1e9), graph.op('Shape', [scaled])]), diagonal], {
    upper: 1,
  })
  const weights = graph.op('Softmax', [graph.op('Add', [scaled, hidden])], { axis: -1 })
  const attended = graph.op('Reshape', [
    graph.op('MatMul', [weights, wide(values)]),
    graph.int64([0, queryHeads, -1, headDim]),
  ])
  return graph.op('Reshape', [
    graph.op('Transpose', [attended], { perm: [0, 2, 1, 3] }),
    graph.int64([0, 0, queryHeads * headDim]),
  ])
}

const builders: Readonly<Record<HybridPart, Builder>> = {
  ssm: recurrence('ssm'),
  recurrent: recurrence('recurrent'),
  attention: attention(false),
  'fused-attention': attention(true),
  conv(graph, { layer, x }) {
    const dims = ['batch_size', width, kernel]
    const past = graph.input(`past_conv.${layer}`, 'float32', dims)
    const all = graph.op('Concat', [past, graph.op('Transpose', [x], { perm: [0, 2, 1] })], { axis: 2 })
    graph.op('Slice', [all, graph.int64([-kernel]), graph.int64([END]), graph.int64([2])], {}, `present_conv.${layer}`)
    graph.output(`present_conv.${layer}`, 'float32', dims)
    const read = graph.op('Slice', [all, graph.int64([1]), graph.int64([END]), graph.int64([2])])
    const y = graph.op('Conv', [read, graph.table('kernels', [width, 1, kernel], kernels())], { group: width })
    return graph.op('Transpose', [y], { perm: [0, 2, 1] })
  },
}

/** Logits of every position, `[tokens][vocab]`, from the formulas. */
export function hubHybridLogits({ layers, vocab }: HubHybrid, tokens: readonly number[]): number[][] {
  const table = matrix(vocab, width, 1)
  let rows = tokens.map(token => [...table.subarray(token * width, (token + 1) * width)])
  for (const part of layers.flat()) {
    const added = oracles[part](rows)
    rows = rows.map((row, t) => row.map((value, i) => value + (added[t]?.[i] ?? Number.NaN)))
  }
  return rows.map(row =>
    Array.from({ length: vocab }, (_, id) => dot(row, [...table.subarray(id * width, (id + 1) * width)])),
  )
}

type Oracle = (rows: readonly number[][]) => number[][]

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0)
const times = (row: readonly number[], weights: Float32Array, columns: number) =>
  Array.from({ length: columns }, (_, o) =>
    row.reduce((sum, value, i) => sum + value * (weights[i * columns + o] ?? 0), 0),
  )

const recurrenceOracle: Oracle = rows => {
  const memory = new Float64Array(heads * headDim * state)
  return rows.map(row => {
    const [b, c] = [times(row, matrix(width, state, 4), state), times(row, matrix(width, state, 5), state)]
    return row.map((value, i) => {
      let y = 0
      for (let n = 0; n < state; n++) {
        const at = i * state + n
        memory[at] = decayOf(Math.floor(i / headDim)) * (memory[at] ?? 0) + value * (b[n] ?? 0)
        y += (memory[at] ?? 0) * (c[n] ?? 0)
      }
      return y
    })
  })
}

const attentionOracle: Oracle = rows => {
  const part = (name: number, count: number) =>
    rows.map(row => times(row, matrix(width, count * headDim, name), count * headDim))
  const [q, k, v] = [part(6, queryHeads), part(7, kvHeads), part(8, kvHeads)]
  const slice = (row: readonly number[] | undefined, head: number) =>
    (row ?? []).slice(head * headDim, (head + 1) * headDim)
  return rows.map((_, t) => {
    const attended = Array.from({ length: queryHeads }, (_, head) => {
      const kv = Math.floor(head / repeat)
      const dots = k.slice(0, t + 1).map(key => dot(slice(q[t], head), slice(key, kv)) / Math.sqrt(headDim))
      const scores = dots.map(value => Math.exp(value - Math.max(...dots)))
      const total = scores.reduce((a, b) => a + b, 0)
      return Array.from({ length: headDim }, (_, d) =>
        scores.reduce((sum, score, s) => sum + (score / total) * (slice(v[s], kv)[d] ?? 0), 0),
      )
    }).flat()
    return times(attended, matrix(queryHeads * headDim, width, 9), width)
  })
}

const oracles: Readonly<Record<HybridPart, Oracle>> = {
  ssm: recurrenceOracle,
  recurrent: recurrenceOracle,
  attention: attentionOracle,
  'fused-attention': attentionOracle,
  conv: rows => {
    const weights = kernels()
    return rows.map((row, t) =>
      row.map((_, channel) =>
        Array.from(
          { length: kernel },
          (_, j) => (weights[channel * kernel + j] ?? 0) * (rows[t - kernel + 1 + j]?.[channel] ?? 0),
        ).reduce((a, b) => a + b, 0),
      ),
    )
  },
}
