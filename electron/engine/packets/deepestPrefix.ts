import type { Recipe, StateDtype } from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { type Descriptor, LAYER_TYPES } from '#shared/domain/oci.ts'
import { ENGLISH } from '#shared/figures/createFigures.ts'
import type { Session } from '../inference/session.ts'
import { BLOCK_TOKENS, type StateSnapshot } from '../inference/stateSnapshot.ts'
import type { LoadedModel } from '../live/modelPool.ts'
import { WORTH_TOKENS } from '../live/prefixIndex.ts'
import { tokenizerOf } from './composeText.ts'
import type { PacketContext } from './context.ts'
import { modelIdentity, sameModel } from './contextId.ts'
import { type Face, readFace } from './face.ts'
import { damagedAsNull } from './isDamaged.ts'
import { readLiveSnapshot } from './liveSnapshot.ts'
import { cacheLayers, layersOfType, type Packet } from './packet.ts'
import { type ReuseEstimate, type ReuseEstimator, reuseEstimator } from './reuseEstimate.ts'
import { isRounded, roundingsAfter } from './roundings.ts'

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
  /** Bytes of it that came from disk, and how long that took. */
  readonly bytesRead: number
  readonly secondsRead: number
  /** What was expected of it; null where too little had been measured, or nothing was to be chosen. */
  readonly estimate: ReuseEstimate | null
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
  /** Its first `position` tokens would take longer to bring from disk than to read, or to go on to from what was used. */
  | {
      readonly why: 'slower'
      readonly packetId: Digest
      readonly position: number
      readonly estimate: ReuseEstimate
    }

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
  /** So many of the tokens are in a session's reach anyway: only what comes after them would be read. */
  readonly atHand?: number
  /** States that do not serve: they are damaged. */
  readonly except?: readonly Digest[]
}

/**
 * The known state that spares most of the time that reading `tokens` takes: stored, or kept in memory; never an import that
 * nobody trusts. What has to come from disk serves only if that is expected to be faster than reading its tokens. Keys and
 * values are cut back to where the two agree; a recurrent state to a checkpoint that memory has of its reading. At least one
 * token is left to be read, unless the state is of exactly these tokens and has its logits. A state stored in another dtype
 * serves only if it was not rounded, a damaged one never. Throws what reading states throws.
 */
export async function deepestPrefix(
  context: PacketContext,
  loaded: LoadedModel,
  query: PrefixQuery,
): Promise<PrefixSearch> {
  const { tokens, dtype, from, atHand = 0, except = [] } = query
  const seen = new Set<Digest>(except)
  const estimator = reuseEstimator(context, loaded, { total: tokens.length, atHand })
  let best: Weighed | null = null
  const misses: Missed[] = []
  const candidates =
    from === undefined
      ? context.live.prefixes.candidates(modelIdentity(loaded.model.fingerprint), tokens, [dtype, 'float32'])
      : [{ packetId: from.packetId, below: tokens.length + 1 }]
  for await (const { packetId, below } of candidates) {
    if (estimator.spared(below - 1, null) <= (best?.spared ?? 0)) break
    if (seen.has(packetId)) continue
    seen.add(packetId)
    const found = await readFace(context, packetId).catch(damagedAsNull)
    if (found === null) continue
    const { usable, missed } = await usableOf(context, loaded, { face: found.face, query })
    if (missed !== null) misses.push(missed)
    if (usable === null) continue
    const weighed = from === undefined ? weigh(estimator, usable) : { ...usable, estimate: null, spared: usable.tokens }
    if (weighed.spared <= (best?.spared ?? 0)) {
      misses.push(...slowerThan(weighed, best, atHand))
      continue
    }
    if (usable.checkpoint === null && !(await isWhole(context, usable.face.packet))) continue
    if (best !== null) misses.push(...slowerThan(best, weighed, atHand))
    best = weighed
  }
  const miss = deepestMiss(misses, Math.max(best?.tokens ?? 0, atHand))
  if (best === null) return { prefix: null, miss }
  const { packet, tokens: known, logits } = best.face
  const { packetId } = packet
  if (best.checkpoint !== null)
    return {
      miss,
      prefix: {
        ...{ packetId, tokens: best.tokens, snapshot: best.checkpoint, logits: null },
        ...{ sharedBlocks: [], rounded: [], bytesRead: 0, secondsRead: 0, estimate: null, isExact: true },
      },
    }
  const began = performance.now()
  const read = await readLiveSnapshot(context, packet, best.tokens).catch(damagedAsNull)
  // Its numbers are not what they should be: another state serves, or none.
  if (read === null) return deepestPrefix(context, loaded, { ...query, except: [...except, packetId] })
  const full = Math.floor(best.tokens / BLOCK_TOKENS)
  const isAll = best.tokens === known.length
  return {
    miss,
    prefix: {
      packetId,
      tokens: best.tokens,
      snapshot: read.snapshot,
      logits: isAll ? logits : null,
      sharedBlocks: packet.config.cache.dtype === dtype ? layersOfType(packet, LAYER_TYPES.kv).slice(0, full) : [],
      rounded: roundingsAfter(packet.config.cache, best.tokens),
      bytesRead: read.bytesRead,
      secondsRead: (performance.now() - began) / 1000,
      estimate: best.estimate,
      isExact: packet.config.cache.dtype === 'float32',
    },
  }
}

interface Usable {
  readonly face: Face
  /** So many of its tokens need not be read. */
  readonly tokens: number
  /** Where the packet itself has read further. */
  readonly checkpoint: StateSnapshot | null
}

/** How much going on from it spares. */
interface Weighed extends Usable {
  readonly estimate: ReuseEstimate | null
  /** See {@link ReuseEstimator.spared}; more than 0 where it serves at all. */
  readonly spared: number
}

function weigh(estimator: ReuseEstimator, usable: Usable): Weighed {
  const { face, tokens, checkpoint } = usable
  const estimate = checkpoint === null ? estimator.of(face.packet, tokens) : null
  return { ...usable, estimate, spared: estimator.spared(tokens, estimate) }
}

/** That a state was passed over because what it has more of would come too late; nothing where it has no more. */
function slowerThan({ face, tokens, estimate }: Weighed, used: Weighed | null, atHand: number): Missed[] {
  if (estimate === null || tokens <= Math.max(used?.tokens ?? 0, atHand)) return []
  // What it takes to come as far without it.
  const readSeconds = estimate.readSeconds - (used?.spared ?? 0)
  const { packetId } = face.packet
  const miss: PrefixMiss = { why: 'slower', packetId, position: tokens, estimate: { ...estimate, readSeconds } }
  return [{ position: tokens, miss }]
}

/** What more of a state there would be to use. */
interface Missed {
  readonly position: number
  readonly miss: PrefixMiss
}

/** How much of a state serves, and why no more. */
async function usableOf(
  context: PacketContext,
  loaded: LoadedModel,
  { face, query }: { face: Face; query: PrefixQuery },
): Promise<{ usable: Usable | null; missed: Missed | null }> {
  const { tokens, dtype, from } = query
  const { packet, tokens: known, logits } = face
  const { packetId, config } = packet
  if (!sameModel(config.model, loaded.model.fingerprint) || config.origin.kind !== 'tokens')
    return { usable: null, missed: null }
  const common = Math.min(from?.tokens ?? tokens.length, commonLength(known, tokens))
  const isCut = common < known.length
  // Nothing says what comes after a token in the middle of another state but reading it once more.
  const most = !isCut && logits !== null ? common : Math.min(common, tokens.length - 1)
  const wrongDtype = config.cache.dtype !== dtype && config.cache.dtype !== 'float32'
  const missed = (miss: PrefixMiss): Missed => ({ position: common, miss })
  const differs = (): Missed | null =>
    isCut && common < tokens.length
      ? missed({
          ...{ why: 'other-token', packetId, position: common, part: partOf(loaded, face, common) },
          ...{ known: textAt(loaded, known, common), asked: textAt(loaded, tokens, common) },
        })
      : null
  const use = (count: number, checkpoint: StateSnapshot | null = null): Usable | null =>
    count < WORTH_TOKENS ? null : { face, tokens: count, checkpoint }

  if (config.kind === 'kv') {
    if (wrongDtype) return { usable: null, missed: missed({ why: 'other-dtype', packetId, position: common }) }
    // The numbers of a block were rounded together: of one that is cut, with tokens that are not the new text's.
    const sharp = isRounded(config.cache) && most < known.length ? most - (most % BLOCK_TOKENS) : most
    return { usable: use(sharp), missed: differs() }
  }
  if (most === known.length && !wrongDtype) return { usable: use(most), missed: null }
  const checkpoint =
    from === undefined
      ? context.live.timelines.deepest(packetId, most)
      : await readAgain(loaded, tokens.subarray(0, most))
  if (checkpoint !== null) return { usable: use(checkpoint.position, checkpoint), missed: differs() }
  const why = wrongDtype ? 'other-dtype' : 'cannot-be-cut'
  return { usable: null, missed: missed({ why, packetId, position: common }) }
}

/** Of the states of which more would be of use than `used` tokens, why the one that agrees the longest is not. */
function deepestMiss(misses: readonly Missed[], used: number): PrefixMiss {
  // In another precision or at another place none of them would spare more than the one that goes on differently there.
  const atBest = misses.filter(
    ({ position, miss }) => position > used || (position === used && miss.why === 'other-token'),
  )
  // One that would have served is the reason before those that could not.
  const slower = atBest.filter(({ miss }) => miss.why === 'slower')
  const asked = slower.length > 0 ? slower : atBest
  const deepest = Math.max(...asked.map(({ position }) => position))
  const those = asked.filter(({ position }) => position === deepest).map(({ miss }) => miss)
  return those.find(({ why }) => why === 'other-token') ?? those[0] ?? { why: 'nothing-alike' }
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
    case 'slower': {
      const { restoreSeconds, readSeconds } = miss.estimate
      return `${nameOf(miss.packetId)} begins alike for ${miss.position} tokens, but bringing them from disk would take longer here than reading them: about ${ENGLISH.formatSeconds(restoreSeconds)} against ${ENGLISH.formatSeconds(readSeconds)}.`
    }
  }
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
