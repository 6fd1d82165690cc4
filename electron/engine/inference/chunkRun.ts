import { type InferenceSession, Tensor } from 'onnxruntime-node'
import { StatePackError } from '#shared/domain/error.ts'
import type { SessionHost, SessionState } from './sessionHost.ts'

export interface ChunkRun {
  readonly feeds: Record<string, Tensor>
  readonly outputs: Record<string, Tensor>
  /** Advances the state by what the run gave. Throws `E_INFERENCE`. */
  take(results: InferenceSession.ReturnType | null): void
}

/**
 * What the graph is given to read a chunk after a state, and what becomes of its outputs: `logits` are filled with those of the
 * chunk's last tokens, as many as there is room for (`[n, vocab]`).
 */
export function chunkRun(
  { vocabSize, contextLength, padsRuns }: Pick<SessionHost, 'vocabSize' | 'contextLength' | 'padsRuns'>,
  state: SessionState,
  { chunk, logits }: { readonly chunk: readonly number[]; readonly logits: Float32Array },
): ChunkRun {
  const { kv, recurrent, position } = state
  // No earlier row sees the one more, and the next run overwrites it. At the very end of the context there is no room for it.
  const fits = contextLength === null || position + chunk.length < contextLength
  const padded = padsRuns && fits && kv !== null && recurrent === null && chunk.length % 2 === 1
  const ids = padded ? [...chunk, ...chunk.slice(-1)] : chunk
  const rows = logits.length === 0 ? 0 : logits.length / vocabSize + (padded ? 1 : 0)
  const room = padded ? new Float32Array(rows * vocabSize) : logits
  const end = position + ids.length
  const feeds: Record<string, Tensor> = {
    input_ids: new Tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length]),
    num_logits: new Tensor('int64', BigInt64Array.of(BigInt(rows)), []),
  }
  const outputs: Record<string, Tensor> = { logits: new Tensor('float32', room, [1, rows, vocabSize]) }
  if (kv !== null) {
    feeds.seqlens_k = new Tensor('int32', Int32Array.of(end - 1), [1])
    feeds.total_sequence_length = new Tensor('int32', Int32Array.of(end), [])
    kv.addTo(feeds, outputs)
  }
  recurrent?.addTo(feeds, outputs)
  return {
    feeds,
    outputs,
    take(results) {
      state.position = position + chunk.length
      kv?.adopt(results, state.position)
      recurrent?.adopt(results)
      const made = results === null ? room : results.logits?.data
      if (!(made instanceof Float32Array)) throw new StatePackError('E_INFERENCE', 'The graph returned no logits.')
      if (made !== logits) logits.set(made.subarray(0, logits.length))
    },
  }
}
