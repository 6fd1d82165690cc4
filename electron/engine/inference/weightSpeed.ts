import { InferenceSession, Tensor } from 'onnxruntime-node'
import { encodeModel, ONNX_TYPE } from '#engine/models/compile/onnxProto.ts'

/** Rows and columns of the matrix: 64 MiB, more than caches hold. */
const SIDE = 4096
const RUNS = 3

/**
 * Bytes of weights that this machine's processor multiplies one token with in a second, measured in a tenth of a second: what a
 * token that is written costs, since each reads all weights once.
 */
export async function weightSpeed(threads: number): Promise<number> {
  const session = await InferenceSession.create(productGraph(), { intraOpNumThreads: threads, interOpNumThreads: 1 })
  try {
    const x = new Tensor('float32', new Float32Array(SIDE).fill(1), [1, SIDE])
    const weights = new Tensor('float32', new Float32Array(SIDE * SIDE).fill(1 / SIDE), [SIDE, SIDE])
    let best = Number.POSITIVE_INFINITY
    for (let run = 0; run < RUNS; run++) {
      const before = performance.now()
      await session.run({ x, weights })
      best = Math.min(best, performance.now() - before)
    }
    return (weights.data.byteLength / best) * 1000
  } finally {
    await session.release()
  }
}

/** x [1, side] · weights [side, side] -> y. */
function productGraph(): Uint8Array {
  const value = (name: string, rows: number) => ({
    name,
    type: {
      tensorType: { elemType: ONNX_TYPE.float32, shape: { dim: [{ dimValue: rows }, { dimValue: SIDE }] } },
    },
  })
  return encodeModel({
    irVersion: 10,
    producerName: 'state-pack-studio',
    opsetImport: [{ domain: '', version: 21 }],
    graph: {
      name: 'product',
      node: [{ name: 'product', opType: 'MatMul', domain: '', input: ['x', 'weights'], output: ['y'], attribute: [] }],
      initializer: [],
      input: [value('x', 1), value('weights', SIDE)],
      output: [value('y', 1)],
    },
  })
}
