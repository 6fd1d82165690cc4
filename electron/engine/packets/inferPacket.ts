import type { StateDtype } from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { tokenUse } from '#shared/domain/receipt.ts'
import type { CallPart, ToolChoice } from '#shared/domain/tool.ts'
import type { InferResult } from '#shared/rpc/methods/views.ts'
import { schemaGrammar } from '../inference/grammar/schemaGrammar.ts'
import { toolGrammar } from '../inference/grammar/toolGrammar.ts'
import type { Sampling } from '../inference/sampling.ts'
import type { Session } from '../inference/session.ts'
import { watchForStops } from '../inference/stopTexts.ts'
import type { Scheduled } from '../live/scheduler.ts'
import { callIn } from '../models/tokenizer/callIn.ts'
import { watchForCall } from '../models/tokenizer/callWatch.ts'
import { answerEnd } from '../models/tokenizer/conversation.ts'
import type { Tokenizer } from '../models/tokenizer/tokenizer.ts'
import { type ToolForm, writable } from '../models/tokenizer/toolForm.ts'
import { receiptView } from '../receipts/receiptView.ts'
import type { Operation } from '../record/recorder.ts'
import { sha256 } from '../sha256.ts'
import { stopwatch } from '../stopwatch.ts'
import { assemble } from './assemble.ts'
import { tokenizerOf } from './composeText.ts'
import { type Call, type PacketContext, readingProgress, receiptEnvironment } from './context.ts'
import { tokenBytes } from './contextId.ts'
import { assertRoom } from './contextRoom.ts'
import { deepestPrefix, type Prefix, type PrefixSearch, restorePrefix } from './deepestPrefix.ts'
import { type DeltaInput, deltaOf } from './deltaOf.ts'
import { emptyState, grownContents, splitDelta } from './growState.ts'
import { asked, countTokens, logprobsOf, samplingRecord } from './inferRecord.ts'
import { idsBefore, keepAnswer } from './keepAnswer.ts'
import { generatedSteps, storeTrace, TRACE_TOP_K, traceBytes } from './logitsTrace.ts'
import { acceptedEdits, type OpenedState, openState } from './openState.ts'
import { keepUnstored, publish } from './publish.ts'
import { readableText } from './readableText.ts'
import { readDelta } from './readDelta.ts'
import { reuseDetails } from './reuseDetails.ts'
import { reuseView } from './reuseView.ts'
import { logitsDigest } from './stateLayers.ts'

const NOT_LOOKED_FOR: PrefixSearch = { prefix: null, miss: { why: 'nothing-alike' } }

export interface InferInput {
  /** Absent: the delta is read by the bare model. */
  readonly ref?: string | undefined
  readonly model?: string | undefined
  readonly delta: string
  /** The delta is what the user says: the next turn of a conversation, through the model's chat template. */
  readonly chat?: boolean | undefined
  /** System prompt of a conversation with the bare model. */
  readonly system?: string | undefined
  /** What was said in it before; see `DeltaInput.turns`. */
  readonly turns?: DeltaInput['turns']
  /** Tools that the model may call; see `DeltaInput.tools`. */
  readonly tools?: DeltaInput['tools']
  /** Default `auto`. */
  readonly toolChoice?: ToolChoice | undefined
  /** Of a state that begins here, without a cartridge; float32 is exact, so that later questions may go on from it. */
  readonly dtype?: StateDtype | undefined
  /** Also give the log-probabilities of the answer's tokens, and of so many that were likelier or nearly as likely. */
  readonly logprobs?: number | undefined
  /** The answer can be referred to by this id from now on, as the state it led to. */
  readonly answerId?: string | undefined
  /** The answer that was given before, with the token that ended it: it is read instead of written, to have its state again. */
  readonly answer?: { readonly ids: readonly number[]; readonly stopId: number | null } | undefined
  /** An answer that is stopped is kept as far as it came. Default false: a call that is cancelled leaves nothing. */
  readonly keepStopped?: boolean | undefined
  /** Texts that end the answer, besides those that the prompt style implies. */
  readonly stop?: readonly string[] | undefined
  /** The answer is JSON that follows this schema, as far as it comes. */
  readonly jsonSchema?: Readonly<Record<string, unknown>> | undefined
  /** How control tokens that the delta spells out are read; default as the state reads them. */
  readonly controlTokens?: 'text' | 'control' | undefined
  /** Go on although the model was edited, when no number of the state depends on it. */
  readonly acceptEdits?: boolean | undefined
  readonly maxNewTokens?: number
  readonly sampling?: Sampling | undefined
  /** Append the generated ids verbatim to the new state. */
  readonly keepOutput?: boolean
  /** `memory`: the new state can be continued while the engine runs, and is not written. */
  readonly persist?: 'durable' | 'memory'
  /** Record the most likely tokens of every step, stored by digest with the receipt. */
  readonly trace?: boolean
  readonly seam?: 'exact' | 'concat'
  /** Ids that end the answer; the model's own unless given. */
  readonly stopIds?: readonly number[]
  /** Without a cartridge: go on from a known state that begins alike. Default true; a comparison reads it all. */
  readonly reuse?: boolean
}

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
  const grammar = grammarOf(input, form)
  const { base, delta } = await deltaOf(context.blobs, opened, input)
  const { model, runtime } = base.loaded
  const split = splitDelta(base, delta, input.seam ?? 'exact')
  const more = split.prefix.length + split.fold.length + split.tailTokens.length
  assertRoom(base.loaded, { read: base.tokens.length, more })
  const end = input.chat ? answerEnd(tokenizer) : { stopIds: [], stopTexts: [], closing: null }
  const toFold = Int32Array.from([...split.prefix, ...split.fold])
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
  const options = { signal: call.signal, onProgress: readingProgress(call) }
  const { newState, first, steps } = await readDelta(session, reading, options)
  if (first === null)
    throw new StatePackError(
      'E_EMPTY_TEXT',
      'There is nothing to continue: the state has read no token and the delta is empty.',
    )
  const read = clock.lap()

  const decoder = tokenizer.streamDecoder()
  // What follows a schema ends by itself: the text that a next turn begins with may stand in it.
  const isText = input.jsonSchema === undefined
  const watch = watchForStops([...(input.stop ?? []), ...(isText ? end.stopTexts : [])])
  const calls = form === null ? null : watchForCall(form, (text, of) => say(text, of))
  // The model never waits for a reader, others may share it: what is not read yet is at most this one answer.
  let told: Promise<void> | undefined
  let hasLeft = false
  const say = (text: string, of?: CallPart) => {
    if (text === '') return
    told = call.answering?.(text, of)
    told?.catch(() => {
      hasLeft = true
    })
  }
  // A recurrent state cannot be cut back to where a stop text began.
  const beforeAnswer = keep && session.kind !== 'kv' ? await session.capture() : null
  const start = session.position
  const stopIds = input.stopIds ?? [...new Set([...model.eosTokenIds, ...end.stopIds])]
  using constraint =
    grammar === undefined
      ? undefined
      : await context.live.grammars.lead({
          ...{ tokenizer, vocabSize: session.vocabSize, stopIds, grammar },
          added: form === null ? undefined : writable(tokenizer, form, stopIds),
        })
  const generation =
    input.answer !== undefined
      ? await readAnswer(session, first, input.answer)
      : await context.live.schedulerOf(runtime).generate(session, first, {
          maxNewTokens: input.maxNewTokens ?? 32,
          sampling: input.sampling,
          stopIds,
          constraint,
          history: [...base.tokens, ...split.fold, ...split.tailTokens],
          // Every generated token is read, also the last: so the count is exact and the state can be kept.
          keepOutput: true,
          traceTopK: Math.max(
            input.trace ? TRACE_TOP_K : 0,
            input.logprobs === undefined ? 0 : Math.max(1, input.logprobs),
          ),
          signal: call.signal,
          onToken: ({ id, index }) => {
            const piece = decoder.push(id)
            // Whatever stands in a call, it ends by itself.
            const { shown, stopped } = calls?.isCalling
              ? { shown: watch.end() + piece, stopped: false }
              : watch.push(piece)
            const rate = (index + 1) / Math.max(clock.sinceLap(), 1e-6)
            call.progress?.({ phase: 'generating', done: index + 1, unit: 'tokens', rate })
            if (calls === null) say(shown)
            else calls.push(shown)
            return stopped || hasLeft ? 'stop' : undefined
          },
        })
  const rest = decoder.end()
  const last = calls?.isCalling ? watch.end() + rest : watch.push(rest).shown + watch.end()
  if (calls === null) say(last)
  else calls.end(last)
  await told
  const ids = watch.length === null ? generation.ids : idsBefore(tokenizer, generation.ids, watch.length)
  const kept = keep
    ? await keepAnswer(
        { session, runtime, tokenizer, start, first, beforeAnswer, closing: end.closing },
        { ...generation, ids },
        generation.ids.length,
      )
    : null
  const generate_ = clock.lap()

  const contents = grownContents(base, {
    op: 'infer',
    delta,
    seam: input.seam ?? 'exact',
    split,
    flush: keep,
    generated: kept?.generated ?? new Int32Array(0),
    snapshot: (kept ?? newState ?? fail()).snapshot,
    logits: (kept ?? newState ?? fail()).logits,
  })
  const assembled = await assemble(contents)
  const processed = session.processed + (kept?.processed ?? 0)
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
      logits_sha256: contents.logits === null ? null : logitsDigest(contents.logits),
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

  const durable = (input.persist ?? 'durable') === 'durable'
  const isKeptStopped = input.keepStopped === true && generation.finishReason === 'cancelled'
  const stored = durable
    ? await publish(context, {
        assembled,
        call: isKeptStopped ? { ...call, signal: undefined } : call,
        trust: 'own',
        operation: ({ packetId, bytesWritten }) => operation(packetId, bytesWritten),
      })
    : { packetId: null, receipt: await context.recorder.record(operation(null, 0)) }
  if (trace !== null && stored.packetId !== null) await storeTrace(context, stored.packetId, trace)
  if (!durable) await keepUnstored(context, assembled, contents.tokens)
  const total = clock.total()
  const { content: output, call: toolCall } = answerOf(tokenizer, form, generation.ids, watch.length)
  if (input.answerId !== undefined && stored.packetId !== null) {
    context.store.library.answers.add({
      ...{ id: input.answerId, rootPacketId: baseId ?? stored.packetId, packetId: stored.packetId, at: Date.now() },
    })
  }
  return {
    delta: delta.text,
    output,
    toolCall,
    model: base.loaded.entry.id,
    dtype: base.dtype,
    outputTokenIds: [...ids],
    stopTokenId: generation.stopId,
    finishReason: generation.finishReason,
    stopText: input.stop?.find(stop => stop === watch.found) ?? null,
    newContextId: assembled.contextId,
    newPacketId: stored.packetId,
    tokens: counts,
    ...reuseView(context, { prefix: prefix ?? ownState(base), miss }),
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

/** An answer that is known: the session reads it as it would have read its own words. */
async function readAnswer(
  session: Session,
  first: Float32Array,
  { ids, stopId }: NonNullable<InferInput['answer']>,
): Promise<Scheduled> {
  const logits = ids.length === 0 ? first : await session.append(ids, { logits: 'last' })
  return {
    ...{ ids: Int32Array.from(ids), finishReason: stopId === null ? 'length' : 'stop', stopId },
    ...{ fed: ids.length, logits, traces: [], batched: false },
  }
}

/** What the answer is held to; undefined: it is any text. */
function grammarOf({ jsonSchema, tools, toolChoice = 'auto' }: InferInput, form: ToolForm | null): string | undefined {
  if (tools !== undefined && form !== null) return toolGrammar({ form, tools, choice: toolChoice, jsonSchema })
  return jsonSchema && schemaGrammar(jsonSchema)
}

function answerOf(tokenizer: Tokenizer, form: ToolForm | null, ids: Int32Array, length: number | null) {
  // The marks of a call may be control tokens.
  const text = tokenizer.decode(ids, { skipSpecial: form === null }).slice(0, length ?? undefined)
  return form === null ? { content: text, call: null } : callIn(form, text)
}

function fail(): never {
  throw new StatePackError('E_INTERNAL', 'The new state was not captured.')
}
