import type { Output } from '#shared/rpc/client.ts'
import { compareLogits } from '../inference/compareStates.ts'
import { generate } from '../inference/generate.ts'
import { type Call, type PacketContext, readingProgress } from './context.ts'
import { type DeltaInput, deltaOf } from './deltaOf.ts'
import { splitDelta } from './growState.ts'
import { joinTokens } from './joinTokens.ts'
import { openState } from './openState.ts'
import { assertTold } from './packet.ts'

/**
 * "Prove it": the whole context read again from its first token, against restored state plus delta. Compares the logits
 * before the first word of the answer, and what both would write. Throws `E_NOT_SUPPORTED` where texts were withheld.
 */
export async function prove(
  context: PacketContext,
  { ref, outputTokenIds, ...input }: DeltaInput & { ref: string; outputTokenIds: readonly number[] },
  call: Call = {},
): Promise<Output<'packets.prove'>> {
  const startedState = performance.now()
  const state = await openState(context, ref, call)
  assertTold(state.origin)
  const { base, delta } = await deltaOf(context.blobs, state, input)
  const { runtime } = base.loaded
  const split = splitDelta(base, delta, 'exact')
  const added = joinTokens(split.prefix, split.fold, split.tailTokens)
  using restored = await runtime.restore(base.snapshot)
  const fromState =
    added.length === 0 ? (base.logits ?? new Float32Array(runtime.model.vocabSize)) : await restored.append(added, call)
  const tokensState = restored.processed
  const secondsState = (performance.now() - startedState) / 1000

  const startedFull = performance.now()
  using full = runtime.newSession()
  const fromFull = await full.append([...base.tokens, ...added], {
    signal: call.signal,
    onProgress: readingProgress(call, 'reading everything'),
  })
  const tokensFull = full.processed
  const secondsFull = (performance.now() - startedFull) / 1000
  const again = await generate(full, fromFull, {
    maxNewTokens: outputTokenIds.length,
    stopIds: base.loaded.model.eosTokenIds,
    signal: call.signal,
  })
  const { maxAbsDiff, sameTop1 } = compareLogits(fromFull, fromState)
  const sameOutput =
    again.ids.length === outputTokenIds.length && again.ids.every((id, index) => id === outputTokenIds[index])
  return { sameOutput, maxAbsDiff, sameTopToken: sameTop1, tokensFull, tokensState, secondsFull, secondsState }
}
