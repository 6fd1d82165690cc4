import type { CartridgeConfig, StateDtype } from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { type ReceiptDraft, tokenUse } from '#shared/domain/receipt.ts'
import type { LoadedModel } from '../live/modelPool.ts'
import { Timeline } from '../live/timelines.ts'
import type { Model } from '../models/model.ts'
import { sha256 } from '../sha256.ts'
import { StagedBlobs } from '../store/stagedBlobs.ts'
import { assembleAround, numbersOf } from './assemble.ts'
import { composeAsBefore } from './composeAsBefore.ts'
import type { ComposedText, TextInput } from './composeText.ts'
import { type Call, type PacketContext, readingProgress, receiptEnvironment } from './context.ts'
import { contextId, tokensDigest } from './contextId.ts'
import { assertFitsContext, roomNotes } from './contextRoom.ts'
import { deepestPrefix, type Prefix, type PrefixQuery, type PrefixSearch, restorePrefix } from './deepestPrefix.ts'
import { defaultDtype } from './defaultDtype.ts'
import { isDamaged } from './isDamaged.ts'
import { measureLoss, tokensLeft } from './measureLoss.ts'
import { readPacket } from './packet.ts'
import type { PrefixMiss } from './prefixMiss.ts'
import { assertFreeName, freeName, type Published, publish } from './publish.ts'
import { readingNotes } from './readingNotes.ts'
import { restorePhase, restoringOf, reuseDetails } from './reuseDetails.ts'
import { StateEncoder } from './stateEncoder.ts'
import { assertNumbers, blobSha256, logitsDigest } from './stateLayers.ts'

export interface CreateInput extends TextInput {
  readonly model: string
  /** float16 for keys and values, float32 for recurrent states, unless said otherwise. */
  readonly dtype?: StateDtype | undefined
  /** Must be free; without one the title of the text is used. */
  readonly name?: string | undefined
  /** Used instead of the text's own title; gets a number behind it when that is taken. */
  readonly title?: string | undefined
  readonly card?: string | undefined
  readonly trust?: 'own' | 'starter'
  /** Read the text even when its context is stored already, e.g. to replay a receipt. */
  readonly again?: boolean
  /** With `again`: the known state that it went on from. */
  readonly from?: PrefixQuery['from']
  /** What this was made from, when that is not only text. */
  readonly parents?: CartridgeConfig['parents']
  /** The operation its receipt names; default `create`. */
  readonly op?: 'create' | 'compact' | 'remix'
}

export interface Created extends Published {
  /** The known state it went on from, when there was one. */
  readonly prefix: Pick<Prefix, 'packetId' | 'tokens'> | null
  /** Why no more than that. */
  readonly miss: PrefixMiss
  readonly tokensProcessed: number
  /** From opening the model to the cartridge on the disk; without the time in which it was held. */
  readonly seconds: number
  /** Of them, those in which the model ran. */
  readonly secondsReading: number
  /** What a person should know about how the text was read. */
  readonly notes: readonly string[]
}

/**
 * Reads texts once and stores the state as a cartridge. A context that is stored already is not read again (`cacheHit`); of
 * one that begins like a known state only the rest is read.
 * Throws `E_EMPTY_TEXT`, `E_NOT_TEXT`, `E_TOO_LARGE`, `E_CONTEXT_LENGTH`, `E_UNKNOWN_MODEL`, `E_CONFLICT` (the name), storage
 * errors, `E_CANCELLED`; then the store is as it was before.
 */
export async function createPacket(context: PacketContext, input: CreateInput, call: Call = {}): Promise<Created> {
  const started = performance.now()
  let held = 0
  const seconds = () => (performance.now() - started) / 1000 - held
  const loaded = await context.models.load(input.model, call.signal)
  const { model, runtime } = loaded
  const text = await composeAsBefore(context, model, input)
  assertKeepsText(model, text)
  const notes = [...readingNotes(text, { asked: input.time }), ...roomNotes(loaded, text.tokens.length)]
  const dtype = input.dtype ?? defaultDtype(model.kind)
  const { stored: found, known } = await findContext(context, loaded, text, dtype)
  if (found !== null) context.live.coldBudget.use(found)
  if (input.name !== undefined) assertFreeName(context, input.name, found)
  if (found !== null && !input.again)
    return {
      ...(await reuse(context, found, { loaded, text, input, seconds })),
      tokensProcessed: 0,
      seconds: seconds(),
      secondsReading: 0,
      notes,
      prefix: null,
      miss: { why: 'nothing-alike' },
    }
  assertFitsContext(loaded, text.tokens.length)

  const { prefix, miss }: PrefixSearch =
    input.again && input.from === undefined
      ? { prefix: null, miss: { why: 'nothing-alike' } }
      : await deepestPrefix(context, loaded, {
          tokens: text.tokens,
          dtype,
          from: input.from,
          except: known === null ? [] : [known],
        })
  using session = prefix === null ? runtime.newSession() : await restorePrefix(loaded, prefix)
  const toRead = text.tokens.subarray(prefix?.tokens ?? 0)
  await using staged = new StagedBlobs(context.store.writer)
  await using encoder = new StateEncoder({
    ...{ dtype, shared: prefix?.sharedBlocks, keep: staged.add },
    // They stand in the session's buffers, which serve whoever comes back to them next.
    forgetsTo: session.canSettle && toRead.length > 0 ? tokensLeft(text.tokens.length, dtype) : 0,
  })
  const began = performance.now()
  const timeline = new Timeline()
  const logits =
    toRead.length === 0
      ? (prefix?.logits ?? null)
      : await session.append(toRead, {
          logits: 'last',
          signal: call.signal,
          onProgress: readingProgress(call),
          sink: encoder,
          // Keys and values can be cut back without.
          onCheckpoint: model.kind === 'kv' ? undefined : timeline.add,
        })
  held = session.secondsHeld
  const secondsReading = (performance.now() - began) / 1000 - held
  call.progress?.({ phase: 'writing' })
  const { processed } = session
  if (logits !== null) assertNumbers(logits)
  const { cache, stored } = await encoder.end(session)
  const measured = await measureLoss(runtime, { exact: session, stored, tokens: text.tokens, logits, dtype })
  const contents = {
    model,
    origin: { kind: 'tokens' as const },
    tokens: text.tokens,
    tail: text.tail,
    segments: text.segments,
    dtype,
    loss: measured.loss,
    promptMeta: text.promptMeta,
    sources: text.sources,
    recipe: text.recipe,
    card: input.card ?? '',
    parents: [...(input.parents ?? [])],
    rounded: prefix?.rounded,
  }
  const numbers = numbersOf(measured.stored, { cache: await cache, logits })
  const assembled = { ...assembleAround(contents, numbers), atHand: measured.stored }
  const published = await publish(context, {
    assembled,
    call,
    trust: input.trust ?? 'own',
    checkStanding: known !== null && found === null,
    name: input.again ? undefined : (input.name ?? freeName(context, input.title ?? text.title)),
    operation: ({ packetId, blobSha256 }) => ({
      receipt: {
        ...createDraft(packetId, { loaded, text, input, contextId: assembled.contextId }),
        blob_sha256: blobSha256,
        bytes: assembled.cacheBytes,
        details: {
          ...howRead(input),
          ...(measured.tokens === 0 ? {} : { measured_tokens: measured.tokens }),
          ...reuseDetails({ prefix, miss }),
        },
        tokens: tokenUse({ base: text.tokens.length, delta: 0, processed }),
        generation: {
          token_count: 0,
          token_ids_sha256: sha256(''),
          logits_sha256: logits === null ? null : logitsDigest(logits),
          trace_sha256: null,
        },
        observed: { seconds: seconds(), phases: { ...restorePhase({ prefix }), read: secondsReading } },
      },
      reading: {
        model: model.fingerprint.name,
        device: runtime.environment.provider,
        tokens: processed,
        seconds: secondsReading,
      },
      restoring: restoringOf(loaded, { prefix }),
    }),
  })
  session.belongTo(published.packetId)
  if (prefix === null || prefix.isExact) context.live.timelines.add(published.packetId, timeline)
  // Found there, but damaged: it was read again, and what was written heals it.
  const cacheHit = published.cacheHit && published.bytesWritten === 0
  return { ...published, cacheHit, tokensProcessed: processed, seconds: seconds(), secondsReading, prefix, miss, notes }
}

/** A cartridge that would keep nothing of its text, because the tokenizer never tells where a text may go on, is refused. */
function assertKeepsText({ tokenizer }: Model, { segments, tail }: ComposedText): void {
  const reason = tokenizer?.undecidedSeams ?? null
  if (reason === null || tail === '' || segments.some(({ kind }) => kind !== 'special')) return
  const message =
    `Nothing of this text could be kept: this model's tokenizer gives no place where a text may go on (${reason}). ` +
    'Create it with the seam "concat" (--seam concat): what follows is then tokenised by itself, as State Pack does.'
  throw new StatePackError('E_TOKENIZER', message, { seam: 'exact' })
}

/** The stored packet of this very context, if there is one and all of it is there; a damaged one is made again. */
async function findContext(
  context: PacketContext,
  { model }: LoadedModel,
  text: ComposedText,
  dtype: StateDtype,
): Promise<{ stored: Digest | null; known: Digest | null }> {
  const id = contextId({
    model: model.fingerprint,
    origin: { kind: 'tokens' },
    tokensDigest: tokensDigest(text.tokens),
    tailDigest: sha256(text.tail),
  })
  const known = context.store.library.packets.ofContext(id, dtype)?.packetId ?? null
  if (known === null) return { stored: null, known }
  try {
    const { manifest } = await readPacket(context.blobs, known)
    // Every byte, not only the files: what is damaged is made again, and that heals it.
    for (const layer of manifest.layers) await context.store.blobs.check(layer)
    return { stored: known, known }
  } catch (error) {
    if (isDamaged(error)) return { stored: null, known }
    throw error
  }
}

/** The receipt of a creation that found its context already stored. */
async function reuse(
  context: PacketContext,
  packetId: Digest,
  {
    loaded,
    text,
    input,
    seconds,
  }: { loaded: LoadedModel; text: ComposedText; input: CreateInput; seconds: () => number },
): Promise<Published> {
  const packet = await readPacket(context.blobs, packetId)
  const { packets, retained } = context.store.library
  retained.release(packetId)
  if (input.name !== undefined) packets.names.add(packetId, input.name, Date.now())
  const receipt = await context.recorder.record({
    receipt: {
      ...createDraft(packetId, { loaded, text, input, contextId: packet.contextId }),
      blob_sha256: blobSha256(packet.config),
      tokens: tokenUse({ base: text.tokens.length, delta: 0, processed: 0 }),
      details: { ...howRead(input), cache_hit: true },
      observed: { seconds: seconds() },
    },
    packets: [packetId],
  })
  return { packetId, cacheHit: true, bytesWritten: 0, receipt }
}

/** What replaying must do alike and neither texts nor recipe say: the recipe kept is that of the context's first writer. */
function howRead({ seam = 'exact', firstTokens }: CreateInput): ReceiptDraft['details'] {
  return { seam, ...(firstTokens === undefined ? {} : { first_tokens: firstTokens }) }
}

function createDraft(
  packetId: Digest,
  {
    loaded,
    text,
    input,
    contextId,
  }: { loaded: LoadedModel; text: ComposedText; input: CreateInput; contextId: Digest },
): ReceiptDraft {
  return {
    op: input.op ?? 'create',
    inputs: [
      ...(input.parents ?? []).map(parent => ({ role: 'packet', digest: parent.packetId })),
      { role: 'text', digest: text.readSha256 },
    ],
    outputs: [
      { role: 'packet', digest: packetId },
      { role: 'context', digest: contextId },
    ],
    packet_id: packetId,
    context_id: contextId,
    base_sha256: text.baseSha256,
    model: { ...loaded.model.fingerprint },
    environment: receiptEnvironment(loaded.runtime.environment),
  }
}
