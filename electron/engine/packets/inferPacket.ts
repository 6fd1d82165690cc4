import { setImmediate } from 'node:timers/promises'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { tokenUse } from '#shared/domain/receipt.ts'
import type { InferResult } from '#shared/rpc/methods/views.ts'
import { schemaGrammar } from '../inference/grammar/schemaGrammar.ts'
import { answerEnd } from '../models/tokenizer/conversation.ts'
import { receiptView } from '../receipts/receiptView.ts'
import type { Operation } from '../record/recorder.ts'
import { sha256 } from '../sha256.ts'
import { stopwatch } from '../stopwatch.ts'
import { StagedBlobs } from '../store/stagedBlobs.ts'
import { assembleAround, numbersOf } from './assemble.ts'
import { tokenizerOf } from './composeText.ts'
import { type Call, type PacketContext, readingProgress, receiptEnvironment } from './context.ts'
import { tokenBytes } from './contextId.ts'
import { assertRoom } from './contextRoom.ts'
import { deepestPrefix, type Prefix, type PrefixSearch, restorePrefix } from './deepestPrefix.ts'
import { deltaOf } from './deltaOf.ts'
import { emptyState, grownContents, splitDelta } from './growState.ts'
import type { InferInput } from './inferInput.ts'
import { asked, countTokens, logprobsOf, samplingRecord } from './inferRecord.ts'
import { joinTokens } from './joinTokens.ts'
import { keepAnswer } from './keepAnswer.ts'
import { generatedSteps, storeTrace, traceBytes } from './logitsTrace.ts'
import { acceptedEdits, type OpenedState, openState } from './openState.ts'
import { keepUnstored, type Published, publish } from './publish.ts'
import { readableText } from './readableText.ts'
import { readDelta } from './readDelta.ts'
import { reuseDetails } from './reuseDetails.ts'
import { reuseView } from './reuseView.ts'
import { heard, StateEncoder } from './stateEncoder.ts'
import { logitsDigest } from './stateLayers.ts'
import { answerGrammar, writeAnswer } from './writeAnswer.ts'

const NOT_LOOKED_FOR: PrefixSearch = { prefix: null, miss: { why: 'nothing-alike' } }

/**
 * Answers a delta from a stored state: restore (0 tokens), fold the delta up to its last safe boundary (that is the new
 * state), feed the rest, generate. Tokens run = tail + delta + generated, counted at the session. The base is never changed.
 * Throws what {@link openState} throws, `E_CONTEXT_LENGTH`, `E_BAD_INPUT`, storage errors.
 */
export async function inferPacket(context: PacketContext, input: InferInput, call: Call = {}): Promise<InferResult> {
  const clock = stopwatch()
  if (input.delta !== '') readableText(input.delta)
  // What it holds is refused before a model is loaded.
  if (input.jsonSchema) schemaGrammar(input.jsonSchema)
  const opened = await openBase(context, input, call)
  const tokenizer = tokenizerOf(opened.loaded.model)
  const form = input.tools === undefined ? null : tokenizer.toolForm()
  const grammar = answerGrammar(input, form)
  const { base, delta } = await deltaOf(context.blobs, opened, input)
  const { model, runtime } = base.loaded
  const split = splitDelta(base, delta, input.seam ?? 'exact')
  const more = split.prefix.length + split.fold.length + split.tailTokens.length
  assertRoom(base.loaded, { read: base.tokens.length, more })
  const end = input.chat ? answerEnd(tokenizer) : { stopIds: [], stopTexts: [], closing: null }
  const toFold = joinTokens(split.prefix, split.fold)
  const isEmpty = base.packet === null && base.tokens.length === 0
  // Without a cartridge a known beginning serves, if it was not rounded: no answer depends on what was asked before.
  const { prefix, miss } =
    isEmpty && !input.trace && input.reuse !== false
      ? await deepestPrefix(context, base.loaded, { tokens: toFold, dtype: 'float32' })
      : NOT_LOOKED_FOR
  using session = await (prefix !== null
    ? restorePrefix(base.loaded, prefix)
    : isEmpty
      ? runtime.newSession()
      : runtime.restore(base.snapshot))
  // Reading everything again would need the model too: loading it is no part of the comparison.
  const load = base.secondsLoading
  const restore = clock.lap() - load

  const keep = input.keepOutput ?? false
  const reading = {
    fold: toFold.subarray(prefix?.tokens ?? 0),
    tail: split.tailTokens,
    before: (prefix ?? base).logits,
    isKept: keep,
    isTraced: input.trace ?? false,
  }
  const { persist = 'durable' } = input
  // It serves in float32; what is kept in memory only shares the layers of its base, and of nobody else.
  const sharesPrefix = prefix !== null && base.dtype === 'float32' && persist !== 'memory'
  // What is known of the new state is encoded, hashed and written while the answer still comes.
  await using staged = new StagedBlobs(context.store.writer)
  await using encoder = new StateEncoder({
    ...{ dtype: base.dtype, shared: sharesPrefix ? prefix.sharedBlocks : base.fullBlocks },
    keep: persist === 'memory' ? async blob => blob : staged.addNew,
  })
  const options = { signal: call.signal, onProgress: readingProgress(call), sink: encoder }
  const { newState, first, steps } = await readDelta(session, reading, options)
  if (first === null)
    throw new StatePackError(
      'E_EMPTY_TEXT',
      'There is nothing to continue: the state has read no token and the delta is empty.',
    )
  const read = clock.lap()

  const ahead = newState === null ? null : heard(encoder.take(newState.rest))
  // A recurrent state cannot be cut back to where a stop text began.
  const beforeAnswer = keep && session.kind !== 'kv' ? await session.capture() : null
  const start = session.position
  const history = joinTokens(base.tokens, split.fold, split.tailTokens)
  const answer = await writeAnswer(
    context,
    { loaded: base.loaded, session, first, history, end, form, grammar, isLast: !keep },
    input,
    call,
  )
  const { generation, ids } = answer
  const kept = keep
    ? await keepAnswer(
        { session, runtime, tokenizer, start, first, beforeAnswer, closing: end.closing },
        { ...generation, ids },
        generation.ids.length,
      )
    : null
  using fresh = kept?.fresh ?? null
  const generate_ = clock.lap()

  const contents = grownContents(base, {
    op: 'infer',
    delta,
    seam: input.seam ?? 'exact',
    split,
    flush: keep,
    generated: kept?.generated ?? new Int32Array(0),
  })
  const { logits } = kept ?? newState ?? fail()
  const { cache, stored: taken } = await (kept === null ? (ahead ?? fail()) : encoder.end(fresh ?? session))
  const numbers = { ...taken, blocks: taken.blocks.filter(block => block !== null) }
  const assembled = {
    ...assembleAround(contents, numbersOf(numbers, { cache: await cache, logits })),
    atHand: numbers,
  }
  const processed = session.processed + (fresh?.processed ?? 0)
  const generated = processed - (toFold.length - (prefix?.tokens ?? 0)) - split.tailTokens.length
  const counts = countTokens(base, split, { generated, processed })
  const seconds = { load, restore, read, generate: generate_ }
  const trace = input.trace ? traceBytes(steps, generatedSteps(ids, generation.traces)) : null
  const receiptFor = (packetId: Digest | null) => ({
    op: 'infer' as const,
    inputs: [
      ...(base.packet === null ? [] : [{ role: 'packet', digest: base.packet.packetId }]),
      { role: 'delta', digest: sha256(delta.text) },
    ],
    outputs: [
      ...(packetId === null ? [] : [{ role: 'packet', digest: packetId }]),
      { role: 'context', digest: assembled.contextId },
    ],
    packet_id: base.packet?.packetId ?? null,
    context_id: base.contextId,
    delta_sha256: sha256(delta.text),
    bytes: Buffer.byteLength(delta.text),
    tokens: tokenUse({ base: counts.base, delta: counts.naive - counts.base, processed: counts.processed }),
    model: { ...model.fingerprint },
    environment: receiptEnvironment(runtime.environment),
    sampling: samplingRecord(input),
    generation: {
      token_count: ids.length,
      token_ids_sha256: sha256(tokenBytes(ids)),
      logits_sha256: logits === null ? null : logitsDigest(logits),
      trace_sha256: trace === null ? null : sha256(trace),
    },
    details: {
      finish_reason: generation.finishReason,
      ...(generation.batched ? { batched: true } : {}),
      keep_output: keep,
      seam: input.seam ?? 'exact',
      ...asked(input),
      ...reuseDetails({ prefix, miss }),
      ...acceptedEdits(base),
    },
    observed: { seconds: clock.total(), phases: seconds },
  })

  // Before this reading counts as a sample itself.
  const naiveEstimate = context.meter.prefillSeconds(
    model.fingerprint.name,
    runtime.environment.provider,
    counts.naive - generated,
  )
  const { packetId: baseId = null } = base.packet ?? {}
  const storedId = baseId === null || context.live.unstored.packetOf(baseId) !== null ? null : baseId
  const operation = (packetId: Digest | null, bytesWritten: number): Operation => ({
    receipt: receiptFor(packetId),
    use: {
      cartridge: storedId,
      model: model.fingerprint.name,
      device: runtime.environment.provider,
      tokensNaive: counts.naive,
      tokensProcessed: counts.processed,
      tokensGenerated: generated,
      secondsRestore: restore,
      secondsRead: read,
      secondsGenerate: generate_,
      bytesRead: base.bytesRead + (prefix?.bytesRead ?? 0),
      bytesWritten,
    },
  })

  const isKeptStopped = input.keepStopped === true && generation.finishReason === 'cancelled'
  const publishing = heard<Pick<Published, 'receipt'> & { readonly packetId: Digest | null }>(
    persist !== 'memory'
      ? publish(context, {
          assembled,
          call: isKeptStopped ? { ...call, signal: undefined } : call,
          trust: 'own',
          isRetained: persist === 'retained',
          operation: ({ packetId, bytesWritten }) => operation(packetId, bytesWritten),
        })
      : context.recorder.record(operation(null, 0)).then(receipt => ({ packetId: null, receipt })),
  )
  // Names are looked up while the disk works.
  const looking = heard(setImmediate().then(() => reuseView(context, { prefix: prefix ?? ownState(base), miss })))
  const stored = await publishing
  if (trace !== null && stored.packetId !== null) await storeTrace(context, stored.packetId, trace)
  if (persist === 'memory')
    await keepUnstored(context, assembled, { tokens: contents.tokens, base: base.packet?.packetId })
  // What is too old goes, or too much for the disk: behind the answer, and whether or not it can be counted.
  if (persist === 'retained') context.live.coldBudget.refresh().catch(() => {})
  const total = clock.total()
  return {
    delta: delta.text,
    output: answer.content,
    toolCall: answer.call,
    model: base.loaded.entry.id,
    basePacketId: baseId,
    dtype: base.dtype,
    outputTokenIds: [...ids],
    stopTokenId: generation.stopId,
    finishReason: generation.finishReason,
    stopText: input.stop?.find(stop => stop === answer.stopText) ?? null,
    newContextId: assembled.contextId,
    newPacketId: stored.packetId,
    tokens: counts,
    ...(await looking),
    logprobs:
      input.logprobs === undefined ? null : logprobsOf(tokenizer, { ids, traces: generation.traces }, input.logprobs),
    seconds: { ...seconds, total, naiveEstimate },
    receipt: receiptView(stored.receipt),
  }
}

/** The state that was named is what spared its tokens. */
function ownState({ packet, tokens }: OpenedState): Pick<Prefix, 'packetId' | 'tokens'> | null {
  return packet === null ? null : { packetId: packet.packetId, tokens: tokens.length }
}

async function openBase(context: PacketContext, input: InferInput, call: Call): Promise<OpenedState> {
  if (input.ref !== undefined) {
    const { model, acceptEdits } = input
    return openState(context, input.ref, { model, acceptEdits, signal: call.signal })
  }
  if (input.model === undefined) {
    throw new StatePackError('E_BAD_INPUT', 'Say which cartridge to ask, or which model to ask without one.')
  }
  const start = performance.now()
  const loaded = await context.models.load(input.model, call.signal)
  const state = emptyState(loaded, (performance.now() - start) / 1000)
  return { ...state, dtype: input.dtype ?? state.dtype }
}

function fail(): never {
  throw new StatePackError('E_INTERNAL', 'The new state was not captured.')
}
