import { InferenceSession, Tensor } from 'onnxruntime-node'
import { runInPlace, withMarker } from '#engine/inference/inPlaceRun.ts'
import { kvLayersOf } from '#engine/inference/layers.ts'
import { CHUNK_TOKENS } from '#engine/inference/sessionHost.ts'
import type { Model } from '#engine/models/model.ts'
import { median } from './median.ts'
import { timed } from './timed.ts'

/** Runs before the measured ones. */
const WARM_UP = 2

/**
 * ONNX Runtime's own floor: the same graph, the bare `run`, its inputs and outputs bound to buffers that are there already.
 * What a session of ours takes beyond it is ours. For models that have keys and values only. Milliseconds and tokens a second.
 */
export async function measureFloor(
  model: Pick<Model, 'graph' | 'geometry' | 'vocabSize'>,
  { tokens, delta, runs, threads }: { tokens: number; delta: number; runs: number; threads: number },
): Promise<Record<'prefill' | 'delta' | 'step', number>> {
  const { bytes, onHost, prepare, externalFolder } = model.graph
  const folder = (await prepare?.({})) ?? externalFolder
  const session = await InferenceSession.create(
    withMarker(onHost?.() ?? bytes, { name: 'num_logits', type: 'int64' }),
    {
      ...{ executionProviders: ['cpu'], intraOpNumThreads: threads, interOpNumThreads: 1, logSeverityLevel: 3 },
      extra: { session: { model_external_initializers_file_folder_path: folder } },
    },
  )
  const capacity = tokens + delta + 2
  const bound: Record<'feeds' | 'outputs', Record<string, Tensor>> = { feeds: {}, outputs: {} }
  for (const { layer, kvHeads, headDim } of kvLayersOf(model.geometry)) {
    for (const side of ['key', 'value']) {
      const data = new Float32Array(kvHeads * capacity * headDim)
      const tensor = new Tensor('float32', data, [1, kvHeads, capacity, headDim])
      bound.feeds[`past_key_values.${layer}.${side}`] = tensor
      bound.outputs[`present.${layer}.${side}`] = tensor
    }
  }
  const logits = new Tensor('float32', new Float32Array(model.vocabSize), [1, 1, model.vocabSize])
  const run = (position: number, count: number) => {
    const ids = BigInt64Array.from({ length: count }, (_, at) => BigInt((at * 7919 + 11) % model.vocabSize))
    const end = position + count
    const feeds = {
      ...bound.feeds,
      input_ids: new Tensor('int64', ids, [1, count]),
      num_logits: new Tensor('int64', BigInt64Array.of(1n), []),
      seqlens_k: new Tensor('int32', Int32Array.of(end - 1), [1]),
      total_sequence_length: new Tensor('int32', Int32Array.of(end), []),
    }
    return runInPlace(session, feeds, { ...bound.outputs, logits })
  }
  const prefill = async () => {
    for (let at = 0; at < tokens; at += CHUNK_TOKENS) await run(at, Math.min(CHUNK_TOKENS, tokens - at))
  }
  const often = async (work: () => Promise<void>) => {
    const times: number[] = []
    for (let at = 0; at < WARM_UP + runs; at++) times.push((await timed(work))[0])
    return median(times.slice(WARM_UP))
  }
  await run(0, Math.min(CHUNK_TOKENS, tokens))
  const [read] = await timed(prefill)
  const figures = {
    prefill: (tokens / read) * 1000,
    delta: await often(() => run(tokens, delta)),
    step: await often(() => run(tokens + delta, 1)),
  }
  await session.release()
  return figures
}
