import type { CartridgeConfig, Segment } from '#shared/domain/cartridge.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { ENGLISH } from '#shared/figures/createFigures.ts'
import { compareStates, type LayerDifference } from '../inference/compareStates.ts'
import type { Session } from '../inference/session.ts'
import { roundTripState } from '../inference/stateCodec.ts'
import type { StateSnapshot } from '../inference/stateSnapshot.ts'
import type { LoadedModel } from '../live/modelPool.ts'
import { type Call, type PacketContext, readingProgress } from './context.ts'
import { type Packet, readLogits, readTokens } from './packet.ts'
import { rebuildMix } from './rebuildMix.ts'
import { isRounded } from './roundings.ts'

/** What storing may have changed of a value, as a share of the largest one of its tensor. */
const STORED = { float32: 1e-4, float16: 2e-3, int8: 1 / 127, float8_e4m3: 1 / 14 } as const
/**
 * What another processor may make of products with weights of 8 or 4 bits, for which ONNX Runtime rounds the activations to 8 bits:
 * on one it sums otherwise than on another, and a value next to a boundary falls on its other side. Of the largest value of a tensor, and of
 * its root mean square: few values may differ by much, all together would be room for another state. Measured
 * (docs/verification.md), twice or more.
 */
const COMPUTED: Readonly<Record<string, { readonly value: number; readonly rms: number }>> = {
  int8: { value: 1e-1, rms: 1e-1 },
  int4: { value: 2e-1, rms: 1e-1 },
}

/** Largest differences allowed, as shares of a tensor's largest value and of its root mean square (docs/format.md, "Verification"). */
function toleranceOf({ cache, model }: CartridgeConfig): { readonly value: number; readonly rms: number } {
  const stored = STORED[cache.dtype]
  const computed = COMPUTED[model.precision]
  // Of other weights no value differs by so much that the mean could matter.
  if (computed === undefined) return { value: stored, rms: Number.POSITIVE_INFINITY }
  return { value: stored + computed.value, rms: stored + computed.rms }
}

export interface Replay {
  readonly packet: Packet
  readonly loaded: LoadedModel
  readonly snapshot: StateSnapshot
  readonly sample?: number | undefined
}

/**
 * Reads a cartridge's tokens again, or some of its blocks, and compares every value with what it holds. Throws
 * `E_NOT_RECOMPUTED` naming the layer that differs, what reading throws, `E_NOT_FOUND` for a mix whose parents are gone.
 */
export async function recomputeState(context: PacketContext, replay: Replay, call: Call) {
  const { packet, loaded, snapshot } = replay
  const isMix = packet.config.origin.kind === 'mix'
  const tokens = await readTokens(context.store.blobs, packet)
  const logits = await readLogits(context.store.blobs, packet)
  const blocks = snapshot.blocks.length
  // A block of int8 or float8 was computed on numbers that are not in the cartridge: those from before rounding.
  const canSample = snapshot.recurrent.length === 0 && !isRounded(packet.config.cache)
  if (replay.sample !== undefined && canSample && replay.sample < blocks) {
    return replayBlocks({ packet, loaded, snapshot, tokens, count: replay.sample }, call)
  }
  const mixed = isMix ? await rebuildMix(context, packet) : null
  const read = await readAgain({ packet, loaded, tokens, mixed }, call)
  const { last, unexplained } = read
  // A mix that has read nothing since is compared as it was mixed: no session has touched it.
  const again = mixed !== null && tokens.length === 0 ? mixed : read.state
  assertShape(packet.config, again)
  const found = await assertSame(packet.config, snapshot, again, 0)
  if ((last === null) !== (logits === null)) {
    throw new StatePackError('E_NOT_RECOMPUTED', 'It has logits where none can be, or none where there must be some.', {
      component: 'logits',
    })
  }
  if (last !== null && logits !== null) {
    const share = assertSameLogits(packet.config, logits, last)
    found.maxShare = Math.max(found.maxShare, share)
  }
  return {
    tokensProcessed: read.processed,
    ...found,
    detectionProbability: null,
    unproven: unexplained,
  }
}

/** Rounding to int8 or float8 is done again where it was done, so its steps explain no word that the model did not choose. */
function wordTolerance({ dtype }: CartridgeConfig['cache']): number {
  return Math.min(STORED[dtype], STORED.float16)
}

/** Positions whose logits are held at once while the model's own words are checked. */
const CHECKED_AT_ONCE = 64

interface Again {
  readonly state: StateSnapshot
  /** Logits after the last token. */
  readonly last: Float32Array | null
  /** Tokens called the model's own that it would not have chosen here: by a sampler with luck, or a stranger. */
  readonly unexplained: number
  readonly processed: number
}

/** Reads all tokens, and rounds the state wherever it was rounded when it was made. */
async function readAgain(
  { packet, loaded, tokens, mixed }: Omit<Replay, 'snapshot'> & { tokens: Int32Array; mixed: StateSnapshot | null },
  call: Call,
): Promise<Again> {
  const { segments, cache } = packet.config
  const { runtime } = loaded
  let session = mixed === null ? runtime.newSession() : await runtime.restore(mixed)
  const seen = { last: null as Float32Array | null, unexplained: 0, processed: 0 }
  const rounded = (cache.rounded ?? []).filter(place => place < tokens.length)
  try {
    for (const { kind, start, end } of segments) {
      const step = kind === 'generated' ? CHECKED_AT_ONCE : Math.max(1, end - start)
      for (let at = start, to = start; at < end; at = to) {
        if (rounded[0] === at) {
          rounded.shift()
          const state = await roundTripState(await session.capture(), cache.dtype)
          seen.processed += session.processed
          session.dispose()
          session = await runtime.restore(state)
        }
        to = Math.min(end, at + step, rounded[0] ?? end)
        await readPart(session, { kind, tokens, at, to, tolerance: wordTolerance(cache), seen }, call)
      }
    }
    return { ...seen, processed: seen.processed + session.processed, state: await session.capture() }
  } finally {
    session.dispose()
  }
}

interface Part {
  readonly kind: Segment['kind']
  readonly tokens: Int32Array
  readonly at: number
  readonly to: number
  readonly tolerance: number
  readonly seen: { last: Float32Array | null; unexplained: number }
}

async function readPart(session: Session, { kind, tokens, at, to, tolerance, seen }: Part, call: Call): Promise<void> {
  const part = tokens.subarray(at, to)
  const progress = readingProgress(call, 'recomputing')
  const rows = await session.append(part, {
    logits: kind === 'generated' ? 'all' : 'last',
    signal: call.signal,
    onProgress: ({ done, tokensPerSecond }) => progress({ done: at + done, total: tokens.length, tokensPerSecond }),
  })
  const vocab = session.vocabSize
  if (kind === 'generated') {
    for (const [place, id] of part.entries()) {
      const row: Float32Array | null = place === 0 ? seen.last : rows.subarray((place - 1) * vocab, place * vocab)
      if (row === null || !isLikeliest(row, id, tolerance)) seen.unexplained++
    }
  }
  seen.last = rows.slice(rows.length - vocab)
}

/** True for the token a greedy model takes, and for those that rounding of the state could have put first. */
function isLikeliest(row: Float32Array, id: number, tolerance: number): boolean {
  let [most, scale] = [Number.NEGATIVE_INFINITY, 1]
  for (const value of row) {
    most = Math.max(most, value)
    scale = Math.max(scale, Math.abs(value))
  }
  return (row[id] ?? Number.NEGATIVE_INFINITY) >= most - tolerance * scale
}

/** Replays a few blocks, each on the cartridge's own preceding blocks; unpredictable, so a forger cannot know which. */
async function replayBlocks(
  { packet, loaded, snapshot, tokens, count }: Replay & { tokens: Int32Array; count: number },
  call: Call,
) {
  const blocks = snapshot.blocks.length
  const chosen = new Set<number>()
  while (chosen.size < count) chosen.add((crypto.getRandomValues(new Uint32Array(1))[0] as number) % blocks)
  let processed = 0
  const largest: Difference = { maxAbsDiff: 0, maxShare: 0, rmsShare: 0 }
  for (const index of [...chosen].sort((a, b) => a - b)) {
    const block = snapshot.blocks[index]
    if (block === undefined) continue
    using session = await loaded.runtime.restore({
      ...snapshot,
      position: block.start,
      blocks: snapshot.blocks.slice(0, index),
    })
    await session.append(tokens.subarray(block.start, block.start + block.tokens), {
      logits: 'none',
      signal: call.signal,
    })
    processed += session.processed
    const again = await session.capture()
    const found = await assertSame(
      packet.config,
      { ...snapshot, position: again.position, blocks: [block] },
      { ...again, blocks: again.blocks.slice(index) },
      block.start,
    )
    largest.maxAbsDiff = Math.max(largest.maxAbsDiff, found.maxAbsDiff)
    largest.maxShare = Math.max(largest.maxShare, found.maxShare)
    largest.rmsShare = Math.max(largest.rmsShare, found.rmsShare)
    call.progress?.({ phase: 'recomputing', done: processed, unit: 'tokens' })
  }
  return {
    tokensProcessed: processed,
    ...largest,
    detectionProbability: chosen.size / blocks,
    unproven: packet.config.segments.reduce(
      (sum, { kind, start, end }) => sum + (kind === 'generated' ? end - start : 0),
      0,
    ),
  }
}

/** How far two states lie apart. */
interface Difference {
  maxAbsDiff: number
  /** As a share of the largest value of the same tensor. */
  maxShare: number
  /** The root of the mean square of a tensor's differences, as a share of that of its values. */
  rmsShare: number
}

/** Compares every value, layer by layer, in the stored dtype's tolerance. */
async function assertSame(
  config: CartridgeConfig,
  stored: StateSnapshot,
  again: StateSnapshot,
  start: number,
): Promise<Difference> {
  const { dtype } = config.cache
  const expected = dtype === 'float32' ? again : await roundTripState(again, dtype)
  const found: Difference = { maxAbsDiff: 0, maxShare: 0, rmsShare: 0 }
  const tolerance = toleranceOf(config)
  let first: LayerDifference | null = null
  for (const difference of compareStates(expected, stored)) {
    const { maxAbsDiff, maxAbs, rmsShare } = difference
    const share = maxAbsDiff / Math.max(maxAbs, 1e-6)
    found.maxAbsDiff = Math.max(found.maxAbsDiff, maxAbsDiff)
    found.maxShare = Math.max(found.maxShare, share)
    found.rmsShare = Math.max(found.rmsShare, rmsShare)
    if (share > tolerance.value || rmsShare > tolerance.rms) first ??= difference
  }
  if (first === null) return found
  const { layer, tensor, maxAbsDiff } = first
  throw new StatePackError(
    'E_NOT_RECOMPUTED',
    `Reading the tokens again does not give this state: ${tensor} of layer ${layer} differs by ${ENGLISH.formatSignificant(maxAbsDiff, 3)}.`,
    { component: 'cache', layer, tensor, maxAbsDiff, share: found.maxShare, rmsShare: found.rmsShare, start },
  )
}

/** A layer under another one's number would be restored into that one. */
function assertShape({ cache, position }: CartridgeConfig, again: StateSnapshot): void {
  const layersOf = ({ kv, ssm }: Pick<CartridgeConfig['cache'], 'kv' | 'ssm'>) =>
    [...kv, ...ssm].map(({ layer }) => layer)
  const kv = again.blocks[0]?.layers ?? []
  const isSame = layersOf(cache).join() === [...kv, ...again.recurrent].map(({ layer }) => layer).join()
  if (isSame && position.next === again.position) return
  throw new StatePackError('E_NOT_RECOMPUTED', 'Its state has other layers, or another position, than the model’s.', {
    component: 'cache',
  })
}

/** Returns their largest difference as a share of the largest of them. */
function assertSameLogits(config: CartridgeConfig, stored: Float32Array, again: Float32Array): number {
  let largest = 0
  let scale = 0
  for (const [id, value] of again.entries()) {
    largest = Math.max(largest, Math.abs(value - (stored[id] ?? 0)))
    scale = Math.max(scale, Math.abs(value))
  }
  const share = largest / Math.max(scale, 1)
  if (stored.length === again.length && share <= toleranceOf(config).value) return share
  throw new StatePackError('E_NOT_RECOMPUTED', 'Reading the tokens again does not give these logits.', {
    component: 'logits',
    maxAbsDiff: largest,
    share,
  })
}
