/**
 * One decode step of attention alone, both ways on the same numbers: as plain exports do it, where `present` is `past` and
 * the new token put together anew at every step, and in place, where the new token is written behind the others.
 */
import '#engine/inference/noTelemetry.ts'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { runInPlace, withMarker } from '#engine/inference/inPlaceRun.ts'
import { GraphBuilder } from '#engine/models/compile/graphBuilder.ts'
import { median } from './median.ts'

export interface AttentionShape {
  readonly layers: number
  readonly heads: number
  readonly headDim: number
  /** Tokens in the cache before the step. */
  readonly past: number
}

/** Median milliseconds of a step each way, over `runs`. */
export async function measureAttentionStep(shape: AttentionShape, runs: number, threads: number) {
  const options = { executionProviders: ['cpu'], intraOpNumThreads: threads }
  const concat = await InferenceSession.create(concatGraph(shape), options)
  const marker = { name: 'seqlens_k', type: 'int32' } as const
  const inPlace = await InferenceSession.create(withMarker(inPlaceGraph(shape), marker), options)
  try {
    const times = { concat: [] as number[], inPlace: [] as number[] }
    const rows = { concat: concatFeeds(shape), inPlace: inPlaceFeeds(shape) }
    const output = tensor([1, 1, shape.heads * shape.headDim])
    const outputs = { y: output, ...presentOf(rows.inPlace) }
    // The first run of each warms its kernels and is not counted.
    for (let run = 0; run <= runs; run++) {
      const start = performance.now()
      await concat.run(rows.concat)
      const middle = performance.now()
      await runInPlace(inPlace, rows.inPlace, outputs)
      const end = performance.now()
      if (run === 0) continue
      times.concat.push(middle - start)
      times.inPlace.push(end - middle)
    }
    return { concatMs: median(times.concat), inPlaceMs: median(times.inPlace) }
  } finally {
    await concat.release()
    await inPlace.release()
  }
}

function concatGraph({ layers, heads, headDim }: AttentionShape): Uint8Array {
  const graph = new GraphBuilder()
  let x = graph.input('x', 'float32', ['batch', 'tokens', heads * headDim])
  for (let layer = 0; layer < layers; layer++) {
    const split = graph.op('Reshape', [x, graph.int64([0, 0, heads, headDim])])
    const q = graph.op('Transpose', [split], { perm: [0, 2, 1, 3] }) // [B, heads, T, headDim]
    const [keys = '', values = ''] = ['key', 'value'].map(part => {
      const past = graph.input(`past.${layer}.${part}`, 'float32', ['batch', heads, 'past', headDim])
      const present = graph.op('Concat', [past, q], { axis: 2 }, `present.${layer}.${part}`)
      graph.output(present, 'float32', ['batch', heads, 'total', headDim])
      return present
    })
    const scores = graph.op('MatMul', [q, graph.op('Transpose', [keys], { perm: [0, 1, 3, 2] })])
    const weights = graph.op('Softmax', [graph.op('Mul', [scores, graph.float32(1 / Math.sqrt(headDim))])], {
      axis: -1,
    })
    const mixed = graph.op('Transpose', [graph.op('MatMul', [weights, values])], { perm: [0, 2, 1, 3] })
    x = graph.op('Reshape', [mixed, graph.int64([0, 0, heads * headDim])])
  }
  graph.op('Identity', [x], {}, 'y')
  graph.output('y', 'float32', ['batch', 'tokens', heads * headDim])
  return graph.encode('concat')
}

function inPlaceGraph({ layers, heads, headDim }: AttentionShape): Uint8Array {
  const graph = new GraphBuilder()
  const lengths = [graph.input('seqlens_k', 'int32', ['batch']), graph.input('total_sequence_length', 'int32', [])]
  let x = graph.input('x', 'float32', ['batch', 'tokens', heads * headDim])
  for (let layer = 0; layer < layers; layer++) {
    const dims = ['batch', heads, 'capacity', headDim]
    const past = ['key', 'value'].map(part => graph.input(`past.${layer}.${part}`, 'float32', dims))
    const present = ['key', 'value'].map(part => `present.${layer}.${part}`)
    for (const name of present) graph.output(name, 'float32', dims)
    const output = graph.name('attention')
    const attributes = { num_heads: heads, kv_num_heads: heads }
    graph.node('GroupQueryAttention', [x, x, x, ...past, ...lengths], [output, ...present], attributes)
    x = output
  }
  graph.op('Identity', [x], {}, 'y')
  graph.output('y', 'float32', ['batch', 'tokens', heads * headDim])
  return graph.encode('in-place')
}

function concatFeeds({ layers, heads, headDim, past }: AttentionShape): Record<string, Tensor> {
  return { x: tensor([1, 1, heads * headDim]), ...cache(layers, [1, heads, past, headDim]) }
}

function inPlaceFeeds({ layers, heads, headDim, past }: AttentionShape): Record<string, Tensor> {
  return {
    x: tensor([1, 1, heads * headDim]),
    seqlens_k: new Tensor('int32', Int32Array.of(past), [1]),
    total_sequence_length: new Tensor('int32', Int32Array.of(past + 1), []),
    ...cache(layers, [1, heads, past + 64, headDim]),
  }
}

/** The cache's own buffers, which the run writes into. */
function presentOf(feeds: Record<string, Tensor>): Record<string, Tensor> {
  const past = Object.entries(feeds).filter(([name]) => name.startsWith('past.'))
  return Object.fromEntries(past.map(([name, value]) => [name.replace('past.', 'present.'), value]))
}

function cache(layers: number, dims: readonly number[]): Record<string, Tensor> {
  const names = Array.from({ length: layers }, (_, layer) => [`past.${layer}.key`, `past.${layer}.value`]).flat()
  return Object.fromEntries(names.map(name => [name, tensor(dims)]))
}

function tensor(dims: readonly number[]): Tensor {
  const data = new Float32Array(dims.reduce((a, b) => a * b, 1))
  for (let i = 0; i < data.length; i++) data[i] = Math.sin(i)
  return new Tensor('float32', data, dims)
}
