/**
 * Builds small decoder exports with the names and shapes that transformers.js and optimum give hybrids, and computes what
 * they must answer, in plain loops. Each layer adds to x one of: `conv` (x's last three values, weighted), `recurrent` or
 * `ssm` (a decayed running sum) and `kv` (causal softmax attention of x over itself).
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GraphBuilder, type Value } from '#engine/models/compile/graphBuilder.ts'
import type { GraphProto } from '#engine/models/compile/onnxProto.ts'

export type ToyPart = 'conv' | 'recurrent' | 'ssm' | 'kv'

export interface ToyExport {
  readonly layers: readonly (readonly ToyPart[])[]
  /** Type of states and logits in the file. */
  readonly type: 'float32' | 'float16'
  /** Inputs besides state and input_ids. */
  readonly extras: readonly ('attention_mask' | 'position_ids' | 'use_cache_branch' | 'num_logits_to_keep')[]
}

export const TOY_WIDTH = 4
export const TOY_VOCAB = 11
const KERNEL = [0.25, -0.5, 0.75]
const DECAY = 0.5
const FLOAT = 1
const HALF = 10

const embedding = Float32Array.from({ length: TOY_VOCAB * TOY_WIDTH }, (_, i) => Math.sin(i * 1.7) / 8)

export async function writeToyExport(folder: string, toy: ToyExport, file = 'model.onnx'): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'config.json'), JSON.stringify({ model_type: 'toy_hybrid', vocab_size: TOY_VOCAB }))
  await writeFile(join(folder, file), toyGraph(toy))
}

/** Logits of every position, `[tokens][vocab]`. */
export function toyLogits({ layers }: ToyExport, tokens: readonly number[]): number[][] {
  let rows = tokens.map(token => [...embedding.subarray(token * TOY_WIDTH, (token + 1) * TOY_WIDTH)])
  for (const part of layers.flat()) rows = rows.map((row, t) => row.map((value, c) => value + PARTS[part](rows, t, c)))
  return rows.map(row =>
    Array.from({ length: TOY_VOCAB }, (_, id) =>
      dot(row, [...embedding.subarray(id * TOY_WIDTH, (id + 1) * TOY_WIDTH)]),
    ),
  )
}

type Oracle = (rows: readonly number[][], token: number, channel: number) => number

const runningSum: Oracle = (rows, token, channel) =>
  rows.slice(0, token + 1).reduce((sum, row, t) => sum + DECAY ** (token - t) * (row[channel] ?? 0), 0)

const PARTS: Readonly<Record<ToyPart, Oracle>> = {
  conv: (rows, token, channel) =>
    KERNEL.reduce((sum, weight, k) => sum + weight * (rows[token - 2 + k]?.[channel] ?? 0), 0),
  recurrent: runningSum,
  ssm: runningSum,
  kv: (rows, token, channel) => {
    const seen = rows.slice(0, token + 1)
    const scores = seen.map(row => dot(row, rows[token] ?? []))
    const weights = scores.map(score => Math.exp(score - Math.max(...scores)))
    const total = weights.reduce((a, b) => a + b, 0)
    return seen.reduce((sum, row, t) => sum + ((weights[t] ?? 0) / total) * (row[channel] ?? 0), 0)
  },
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0)

function toyGraph({ layers, type, extras }: ToyExport): Uint8Array {
  const graph = new GraphBuilder()
  const merged = extras.includes('use_cache_branch') ? graph.input('use_cache_branch', 'bool', [1]) : null
  const declare = declarer(graph, type, merged)
  const ids = graph.input('input_ids', 'int64', ['batch_size', 'sequence_length'])
  const table = graph.table('embedding', [TOY_VOCAB, TOY_WIDTH], embedding)
  let x = graph.op('Gather', [table, ids]) // [B, T, width]
  if (extras.includes('attention_mask')) {
    // All ones: adding its least entry minus one changes nothing, and a wrong length fails.
    const mask = graph.input('attention_mask', 'int64', ['batch_size', 'total_sequence_length'])
    x = graph.op('Add', [x, zeroWhenAll(graph, mask, 1)])
  }
  if (extras.includes('position_ids'))
    graph.op('Identity', [graph.input('position_ids', 'int64', ['batch_size', 'sequence_length'])])
  for (const [layer, parts] of layers.entries()) {
    for (const part of parts) x = graph.op('Add', [x, BUILDERS[part](graph, declare, { layer, x })])
  }
  if (extras.includes('num_logits_to_keep')) {
    const count = graph.input('num_logits_to_keep', 'int64', [])
    const start = graph.op('Neg', [graph.op('Reshape', [count, graph.int64([1])])])
    x = graph.op('Slice', [x, start, graph.int64([Number.MAX_SAFE_INTEGER]), graph.int64([1])])
  }
  const logits = graph.op('MatMul', [x, graph.op('Transpose', [table], { perm: [1, 0] })])
  declare.output('logits', ['batch_size', 'sequence_length', TOY_VOCAB], logits)
  return graph.encode('toy')
}

/** 0 when every entry equals `value`, else not. */
function zeroWhenAll(graph: GraphBuilder, mask: Value, value: number): Value {
  const least = graph.op('ReduceMin', [graph.op('Cast', [mask], { to: FLOAT })], { keepdims: 0 })
  return graph.op('Sub', [least, graph.float32(value)])
}

interface Declarer {
  input(name: string, dims: (string | number)[]): Value
  output(name: string, dims: (string | number)[], value: Value): void
}

/** State in the file's type, the arithmetic in float32; a merged export reads its past inside the branches of an If. */
function declarer(graph: GraphBuilder, type: ToyExport['type'], merged: Value | null): Declarer {
  return {
    input(name, dims) {
      const past = graph.input(name, type, dims)
      if (merged === null) return graph.op('Cast', [past], { to: FLOAT })
      const branches = { then_branch: { graph: branch(past, 'Identity') }, else_branch: { graph: branch(past, 'Neg') } }
      return graph.op('Cast', [graph.op('If', [graph.op('Squeeze', [merged])], branches)], { to: FLOAT })
    },
    output(name, dims, value) {
      graph.op('Cast', [value], { to: type === 'float32' ? FLOAT : HALF }, name)
      graph.output(name, type, dims)
    },
  }
}

/** One operator on a tensor from outside. */
function branch(outer: Value, opType: string): GraphProto {
  const name = `${opType}.${outer}`
  return {
    name,
    node: [{ name, opType, domain: '', input: [outer], output: [name], attribute: [] }],
    initializer: [],
    input: [],
    output: [{ name, type: { tensorType: { elemType: FLOAT, shape: { dim: [] } } } }],
  }
}

type Builder = (graph: GraphBuilder, declare: Declarer, at: { layer: number; x: Value }) => Value

const recurrentNamed =
  (name: string): Builder =>
  (graph, declare, { layer, x }) => {
    // h_t = Σ decay^(t-s) x_s + decay^(t+1) past, through cumulative sums of x_s / decay^s.
    const dims = ['batch_size', TOY_WIDTH, 1]
    const past = declare.input(`past_${name}.${layer}`, dims) // [B, width, 1]
    const length = graph.op('Squeeze', [graph.op('Shape', [x], { start: 1, end: 2 })])
    const steps = graph.op(
      'Cast',
      [graph.op('Range', [graph.int64(1), graph.op('Add', [length, graph.int64(1)]), graph.int64(1)])],
      { to: FLOAT },
    )
    const decay = graph.op('Reshape', [graph.op('Pow', [graph.float32(DECAY), steps]), graph.int64([1, -1, 1])]) // decay^(t+1)
    const sums = graph.op('CumSum', [graph.op('Div', [x, decay]), graph.int64(1)])
    const start = graph.op('Transpose', [past], { perm: [0, 2, 1] }) // [B, 1, width]
    const h = graph.op('Mul', [graph.op('Add', [sums, start]), decay]) // [B, T, width]
    const last = graph.op('Slice', [h, graph.int64([-1]), graph.int64([Number.MAX_SAFE_INTEGER]), graph.int64([1])])
    declare.output(`present_${name}.${layer}`, dims, graph.op('Transpose', [last], { perm: [0, 2, 1] }))
    return h
  }

const BUILDERS: Readonly<Record<ToyPart, Builder>> = {
  recurrent: recurrentNamed('recurrent'),
  ssm: recurrentNamed('ssm'),
  conv(graph, declare, { layer, x }) {
    const dims = ['batch_size', TOY_WIDTH, KERNEL.length - 1]
    const past = declare.input(`past_conv.${layer}`, dims)
    const seen = graph.op('Concat', [past, graph.op('Transpose', [x], { perm: [0, 2, 1] })], { axis: 2 })
    const weight = graph.table('kernel', [TOY_WIDTH, 1, KERNEL.length], kernels())
    const y = graph.op('Conv', [seen, weight], { group: TOY_WIDTH, kernel_shape: [KERNEL.length] })
    const from = graph.int64([1 - KERNEL.length])
    const last = graph.op('Slice', [seen, from, graph.int64([Number.MAX_SAFE_INTEGER]), graph.int64([2])])
    declare.output(`present_conv.${layer}`, dims, last)
    return graph.op('Transpose', [y], { perm: [0, 2, 1] })
  },
  kv(graph, declare, { layer, x }) {
    const dims = (tokens: string) => ['batch_size', 1, tokens, TOY_WIDTH]
    const own = graph.op('Unsqueeze', [x, graph.int64([1])]) // [B, 1, T, width]
    const [keys = '', values = ''] = ['key', 'value'].map(part => {
      const past = declare.input(`past_key_values.${layer}.${part}`, dims('past_sequence_length'))
      const all = graph.op('Concat', [past, own], { axis: 2 })
      declare.output(`present.${layer}.${part}`, dims('total_sequence_length'), all)
      return all
    })
    const scores = graph.op('MatMul', [own, graph.op('Transpose', [keys], { perm: [0, 1, 3, 2] })]) // [B, 1, T, S]
    const length = (value: Value) => graph.op('Shape', [value], { start: 2, end: 3 })
    const past = graph.op('Sub', [length(keys), length(own)])
    const shape = graph.op('Shape', [scores])
    // Above the diagonal, shifted by the past, nothing is seen.
    const hidden = graph.op(
      'Trilu',
      [
        graph.op('Expand', [graph.float32(-1e9), shape]),
        graph.op('Squeeze', [graph.op('Add', [past, graph.int64(1)])]),
      ],
      { upper: 1 },
    )
    const weights = graph.op('Softmax', [graph.op('Add', [scores, hidden])], { axis: -1 })
    return graph.op('Squeeze', [graph.op('MatMul', [weights, values]), graph.int64([1])])
  },
}

function kernels(): Float32Array {
  return Float32Array.from({ length: TOY_WIDTH * KERNEL.length }, (_, i) => KERNEL[i % KERNEL.length] ?? 0)
}
