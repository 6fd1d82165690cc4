import type { StateDtype } from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { type Descriptor, LAYER_TYPES } from '#shared/domain/oci.ts'
import type { Session } from '../inference/session.ts'
import { BLOCK_TOKENS, type StateSnapshot } from '../inference/stateSnapshot.ts'
import type { LoadedModel } from '../live/modelPool.ts'
import { WORTH_TOKENS } from '../live/prefixIndex.ts'
import type { PacketContext } from './context.ts'
import { modelIdentity, sameModel } from './contextId.ts'
import { type Face, readFace } from './face.ts'
import { damagedAsNull } from './isDamaged.ts'
import { readLiveSnapshot } from './liveSnapshot.ts'
import { cacheLayers, layersOfType, type Packet } from './packet.ts'
import { deepestMiss, type Missed, type PrefixMiss, partOf, textAt } from './prefixMiss.ts'
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
  context.live.unstored.use(packetId)
  context.live.coldBudget.use(packetId)
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

/** Whether all of its cache is there: what is made of it shares it. */
async function isWhole({ store, live }: PacketContext, packet: Packet): Promise<boolean> {
  const there = await Promise.all(
    cacheLayers(packet).map(async layer => live.unstored.has(layer.digest) || (await store.blobs.has(layer))),
  )
  return there.every(Boolean)
}

function commonLength(a: Int32Array, b: Int32Array): number {
  const length = Math.min(a.length, b.length)
  let at = 0
  while (at < length && a[at] === b[at]) at++
  return at
}
