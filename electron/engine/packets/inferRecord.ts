/** What receipt and result say of an answer. */
import type { InferResult } from '#shared/rpc/methods/views.ts'
import { canonicalBytes, canonicalText } from '../canonicalJson.ts'
import type { Generation } from '../inference/generate.ts'
import { SAMPLING_GENERATOR } from '../inference/sampling.ts'
import type { Tokenizer } from '../models/tokenizer/tokenizer.ts'
import { sha256 } from '../sha256.ts'
import type { SplitDelta } from './growState.ts'
import type { InferInput } from './inferInput.ts'
import type { OpenedState } from './openState.ts'

/** How the delta was phrased, as the receipt records it. */
export function asked({ chat, stop, answer }: InferInput) {
  return {
    ...(answer === undefined ? {} : { reread: true }),
    ...(chat ? { chat } : {}),
    ...(stop === undefined || stop.length === 0 ? {} : { stop: JSON.stringify(stop) }),
  }
}

export function countTokens(
  base: OpenedState,
  split: SplitDelta,
  ran: { generated: number; processed: number },
): InferResult['tokens'] {
  const { heldBack } = split.read
  const text = split.prefix.length + split.fold.length + split.tailTokens.length
  const naive = base.tokens.length + text + ran.generated
  const saved = naive - ran.processed
  return {
    base: base.tokens.length + heldBack,
    tail: heldBack,
    delta: text - heldBack,
    generated: ran.generated,
    processed: ran.processed,
    naive,
    saved,
    savedPercent: naive === 0 ? 0 : (saved / naive) * 100,
  }
}

export function samplingRecord({ sampling, maxNewTokens, jsonSchema, tools, toolChoice = 'auto' }: InferInput) {
  const { temperature = 0, topK = 0, topP = 1, seed = 0, repetitionPenalty = 1 } = sampling ?? {}
  const generator = temperature === 0 ? 'greedy' : SAMPLING_GENERATOR
  return {
    generator,
    temperature,
    top_k: topK,
    top_p: topP,
    seed,
    ...(repetitionPenalty === 1 ? {} : { repetition_penalty: repetitionPenalty }),
    ...(jsonSchema === undefined ? {} : { json_schema_sha256: sha256(canonicalBytes(jsonSchema)) }),
    ...(tools === undefined
      ? {}
      : { tools_sha256: sha256(JSON.stringify(tools)), tool_choice: canonicalText(toolChoice) }),
    max_new_tokens: maxNewTokens ?? 32,
  }
}

export function logprobsOf(
  tokenizer: Tokenizer,
  { ids, traces }: { ids: Int32Array; traces: Generation['traces'] },
  top: number,
): NonNullable<InferResult['logprobs']> {
  const entry = (id: number, logprob: number) => ({ id, text: tokenizer.decode([id]), logprob })
  return [...ids].map((id, i) => {
    const { ids: likely = [], logProbs = [], surprisalBits = 0 } = traces[i] ?? {}
    return {
      ...entry(id, -surprisalBits * Math.LN2),
      top: [...likely].slice(0, top).map((other, place) => entry(other, logProbs[place] ?? 0)),
    }
  })
}
