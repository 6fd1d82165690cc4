/** An ONNX export run by ONNX Runtime alone: what quantised kernels compute depends on the processor, so it is asked here. */
import '#engine/inference/noTelemetry.ts'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import type { KvLayer } from '#engine/models/model.ts'
import type { GoldenTensor } from './goldenTensors.ts'

/** Logits `[tokens, vocabulary]` of one pass of the file's own graph over all tokens, from an empty past of keys and values. */
export async function runRawExport(
  path: string,
  tokens: ArrayLike<number>,
  { kvHeads, headDim }: Pick<KvLayer, 'kvHeads' | 'headDim'>,
): Promise<GoldenTensor> {
  const past = new Tensor('float32', new Float32Array(0), [1, kvHeads, 0, headDim])
  const session = await InferenceSession.create(path, { executionProviders: ['cpu'], intraOpNumThreads: 2 })
  try {
    const feeds: Record<string, Tensor> = {}
    for (const name of session.inputNames) feeds[name] = name.startsWith('past_key_values.') ? past : row(name, tokens)
    const { logits } = await session.run(feeds, ['logits'])
    if (logits === undefined || !(logits.data instanceof Float32Array)) throw new Error('The logits are no float32.')
    return { shape: logits.dims.slice(1), data: logits.data.slice() }
  } finally {
    await session.release()
  }
}

function row(name: string, tokens: ArrayLike<number>): Tensor {
  const values: Readonly<Record<string, (token: number, at: number) => number>> = {
    input_ids: token => token,
    attention_mask: () => 1,
    position_ids: (_, at) => at,
  }
  const value = values[name]
  if (value === undefined) throw new Error(`The raw run does not know the input ${name}.`)
  return new Tensor('int64', BigInt64Array.from(Array.from(tokens, value), BigInt), [1, tokens.length])
}
