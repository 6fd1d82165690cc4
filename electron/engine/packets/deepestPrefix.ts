import type { Recipe, StateDtype } from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { type Descriptor, LAYER_TYPES } from '#shared/domain/oci.ts'
import type { Session } from '../inference/session.ts'
import { BLOCK_TOKENS, type StateSnapshot } from '../inference/stateSnapshot.ts'
import type { LoadedModel } from '../live/modelPool.ts'
import { tokenizerOf } from './composeText.ts'
import type { PacketContext } from './context.ts'
import { modelIdentity, sameModel } from './contextId.ts'
import { readFace } from './face.ts'
import { damagedAsNull } from './isDamaged.ts'
import { readLiveSnapshot } from './liveSnapshot.ts'
import { cacheLayers, layersOfType, type Packet } from './packet.ts'
import { isRounded, roundingsAfter } from './roundings.ts'

/** Fewer tokens than this are read faster than a state is restored. */
const WORTH_TOKENS = 16

/** A known state that begins like what is to be read. */
export interface Prefix {
  readonly packetId: Digest
  /** Tokens that need not be read. */
  readonly tokens: number
  /** Up to the block that holds the last of them. */
  readonly snapshot: StateSnapshot
  /** After the last of them; null where the known state goes on differently, so that it has none. */
  readonly logits: Float32Array | null
  /** KV block layers that a state grown from it shares. */
  readonly sharedBlocks: readonly Descriptor[]
  /** Where a state grown from it was rounded. */
  readonly rounded: readonly number[]
  readonly bytesRead: number
  /** Whether what is read on from it has the bits of a fresh reading: it was never rounded, not to float16 either. */
  readonly isExact: boolean
}

/** Who wrote a token of a state; `date`: the chat template, which writes the date. */
export type PartOfState = 'system prompt' | 'date' | 'template' | 'text'

/** Why no state, or no deeper one, could be used. Positions count tokens from 0. */
export type PrefixMiss =
  | { readonly why: 'nothing-alike' }
  /** The nearest state goes on differently at `position`, which in it is part of `part`. */
  | {
      readonly why: 'other-token'
      readonly packetId: Digest
      readonly position: number
      readonly part: PartOfState
      /** The token there, in the state and in what is read, as texts. */
      readonly known: string
      readonly asked: string
    }
  /** A recurrent state cannot be cut back: it has read further than the two agree. */
  | { readonly why: 'cannot-be-cut'; readonly packetId: Digest; readonly position: number }
  | { readonly why: 'other-dtype'; readonly packetId: Digest; readonly position: number }

export interface PrefixSearch {
  /** null: everything has to be read. */
  readonly prefix: Prefix | null
  readonly miss: PrefixMiss
}

export interface PrefixQuery {
  readonly tokens: Int32Array
  /** As what is made of it will be stored. */
  readonly dtype: StateDtype
  /** This state and so many of its tokens only: as it was done before. */
  readonly from?: { readonly packetId: Digest; readonly tokens: number } | undefined
  /** A state that does not serve: it is damaged. */
  readonly except?: Digest | null
}

/**
 * The deepest known state that begins like `tokens`: stored, or kept in memory; never an import that nobody trusts. Keys
 * and values are cut back to where the two agree; a recurrent state to a checkpoint that memory has of its reading. At least one token is
 * left to be read, unless the state is of exactly these tokens and has its logits. A state stored in another dtype serves
 * only if it was not rounded. Throws what reading a found state throws.
 */
export async function deepestPrefix(
  context: PacketContext,
  loaded: LoadedModel,
  { tokens, dtype, from, except }: PrefixQuery,
): Promise<PrefixSearch> {
  const { model } = loaded
  const seen = new Set<Digest>()
  let best: Found | null = null
  let miss: PrefixMiss = { why: 'nothing-alike' }
  let missedAt = -1
  const note = (at: number, why: PrefixMiss) => {
    if (at <= missedAt) return
    missedAt = at
    miss = why
  }
  const asked = from?.tokens ?? tokens.length
  const candidates =
    from === undefined
      ? context.live.prefixes.candidates(modelIdentity(model.fingerprint), tokens)
      : [{ packetId: from.packetId, blocks: tokens.length }]
  for await (const { packetId, blocks } of candidates) {
    // What shares fewer blocks cannot agree for longer.
    if (best !== null && best.common >= (blocks + 1) * BLOCK_TOKENS) break
    if (seen.has(packetId) || packetId === except) continue
    seen.add(packetId)
    const found = await readFace(context, packetId).catch(damagedAsNull)
    if (found === null) continue
    const { packet, tokens: known, logits } = found.face
    const { config } = packet
    if (!sameModel(config.model, model.fingerprint) || config.origin.kind !== 'tokens') continue
    const common = Math.min(asked, commonLength(known, tokens))
    const isCut = common < known.length
    // Something must be left to be read: a checkpoint has no logits.
    const most = Math.min(common, tokens.length - 1)
    const checkpoint =
      config.kind === 'kv' || !isCut
        ? null
        : from === undefined
          ? context.live.timelines.deepest(packetId, most)
          : await readAgain(loaded, tokens.subarray(0, most))
    if (checkpoint === null && config.cache.dtype !== dtype && config.cache.dtype !== 'float32') {
      note(common, { why: 'other-dtype', packetId, position: common })
      continue
    }
    if (checkpoint === null && config.kind !== 'kv' && isCut) {
      note(common, { why: 'cannot-be-cut', packetId, position: common })
      continue
    }
    if (isCut && common < tokens.length)
      note(common, {
        ...{ why: 'other-token', packetId, position: common, part: partOf(loaded, found.face, common) },
        ...{ known: textAt(loaded, known, common), asked: textAt(loaded, tokens, common) },
      })
    const usable = checkpoint?.position ?? common
    if ((best === null || usable > best.common) && (checkpoint !== null || (await isWhole(context, packet))))
      best = { packet, known, common: usable, logits, checkpoint }
  }
  if (best === null) return { prefix: null, miss }
  const { packet, known, common, logits, checkpoint } = best
  const exact = common === known.length && common === tokens.length && logits !== null
  // Nothing says what comes after a token in the middle of another state but reading it once more.
  const agreed = exact ? common : packet.config.kind === 'kv' ? Math.min(common, tokens.length - 1) : common
  const { packetId } = packet
  if (checkpoint !== null)
    return {
      miss,
      prefix: {
        ...{ packetId, tokens: agreed, snapshot: checkpoint, logits: null },
        ...{ sharedBlocks: [], rounded: [], bytesRead: 0, isExact: true },
      },
    }
  // The numbers of a block were rounded together: of one that is cut, with tokens that are not the new text's.
  const isCut = isRounded(packet.config.cache) && agreed < known.length
  const usable = isCut ? agreed - (agreed % BLOCK_TOKENS) : agreed
  if (usable < WORTH_TOKENS || (!exact && usable >= tokens.length)) return { prefix: null, miss }
  const { snapshot, bytesRead } = await readLiveSnapshot(context, packet)
  const full = Math.floor(usable / BLOCK_TOKENS)
  return {
    miss,
    prefix: {
      packetId,
      tokens: usable,
      snapshot: usable === known.length ? snapshot : cutBack(snapshot, usable),
      logits: usable === known.length ? logits : null,
      sharedBlocks: packet.config.cache.dtype === dtype ? layersOfType(packet, LAYER_TYPES.kv).slice(0, full) : [],
      rounded: roundingsAfter(packet.config.cache, usable),
      bytesRead,
      isExact: packet.config.cache.dtype === 'float32',
    },
  }
}

interface Found {
  readonly packet: Packet
  readonly known: Int32Array
  readonly common: number
  readonly logits: Float32Array | null
  /** Where the packet itself has read further. */
  readonly checkpoint: StateSnapshot | null
}

/** The checkpoint that an operation went on from when it was done before; memory may no longer have it. */
async function readAgain({ runtime }: LoadedModel, tokens: Int32Array): Promise<StateSnapshot> {
  using session = runtime.newSession()
  // In the same runs.
  await session.append(tokens, { logits: 'none', onCheckpoint: () => {} })
  return await session.capture()
}

/** A session after just the prefix's tokens; runs none. */
export async function restorePrefix({ runtime }: LoadedModel, { snapshot, tokens }: Prefix): Promise<Session> {
  const session = await runtime.restore(snapshot)
  if (session.position > tokens) session.truncate(tokens)
  return session
}

/** Why not more was there, in a sentence; null when there was nothing that could have been. */
export function missSentence(miss: PrefixMiss, nameOf: (packetId: Digest) => string): string | null {
  switch (miss.why) {
    case 'nothing-alike':
      return null
    case 'other-token':
      return `${nameOf(miss.packetId)} goes on differently from token ${miss.position + 1}, in ${miss.part === 'date' ? 'the date that its chat template writes' : `its ${miss.part}`}: “${miss.known}” there, “${miss.asked}” here.`
    case 'cannot-be-cut':
      return `${nameOf(miss.packetId)} begins alike, but has read on after token ${miss.position}: a recurrent state cannot be cut back.`
    case 'other-dtype':
      return `${nameOf(miss.packetId)} begins alike, but is stored in another precision.`
  }
}

/** Keys and values up to the block that holds the last of `tokens` tokens: the session cuts the rest. */
function cutBack(snapshot: StateSnapshot, tokens: number): StateSnapshot {
  const blocks = snapshot.blocks.slice(0, Math.ceil(tokens / BLOCK_TOKENS))
  const last = blocks.at(-1)
  return { ...snapshot, position: last === undefined ? 0 : last.start + last.tokens, blocks }
}

/** Whether all of its cache is there: what is made of it shares it. */
async function isWhole({ store, live }: PacketContext, packet: Packet): Promise<boolean> {
  const there = await Promise.all(
    cacheLayers(packet).map(
      async layer => live.unstored.inMemory(layer.digest) !== null || (await store.blobs.has(layer)),
    ),
  )
  return there.every(Boolean)
}

/** Who wrote the token at a position. One model has one template: where it differs from itself, it wrote another date. */
export function partAt(
  { packet, documents }: { packet: Packet; documents: { recipe: Pick<Recipe, 'chat'> } },
  position: number,
): PartOfState {
  const span = packet.config.promptMeta.spans.find(({ start, end }) => start <= position && position < end)
  if (span?.kind === 'system') return 'system prompt'
  if (span === undefined || span.kind === 'user' || span.kind === 'spelled') return 'text'
  return documents.recipe.chat?.time === undefined ? 'template' : 'date'
}

/** {@link partAt}; the system prompt of a conversation that began with its first question lies within what the template wrote. */
function partOf(
  { model }: LoadedModel,
  face: { packet: Packet; documents: { recipe: Recipe }; tokens: Int32Array },
  position: number,
): PartOfState {
  const part = partAt(face, position)
  const { systemPrompt } = face.documents.recipe
  if (part === 'text' || part === 'system prompt' || systemPrompt === null) return part
  const textOf = (tokens: Int32Array) => tokenizerOf(model).decode([...tokens])
  const begin = textOf(face.tokens).indexOf(systemPrompt)
  const at = textOf(face.tokens.subarray(0, position)).length
  return begin >= 0 && begin <= at && at < begin + systemPrompt.length ? 'system prompt' : part
}

function textAt({ model }: LoadedModel, tokens: Int32Array, position: number): string {
  return tokenizerOf(model).decode([...tokens.subarray(position, position + 1)])
}

function commonLength(a: Int32Array, b: Int32Array): number {
  const length = Math.min(a.length, b.length)
  let at = 0
  while (at < length && a[at] === b[at]) at++
  return at
}
