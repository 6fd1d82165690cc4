import type { CartridgeConfig } from '#shared/domain/cartridge.ts'
import type { ComponentId } from '#shared/domain/component.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Output } from '#shared/rpc/client.ts'
import { compareStates } from '../inference/compareStates.ts'
import { roundTripState } from '../inference/stateCodec.ts'
import type { StateSnapshot } from '../inference/stateSnapshot.ts'
import type { LoadedModel } from '../models/modelPool.ts'
import { receiptView } from '../receipts/receiptView.ts'
import type { VerifiedLevel } from '../store/library/packetRows.ts'
import { type Call, type PacketContext, readingProgress, receiptEnvironment } from './context.ts'
import { componentChecks, loadModelFor } from './openState.ts'
import { type Packet, readLogits, readPacket, readSnapshot, readTokens } from './packet.ts'
import { rebuildMix } from './rebuildMix.ts'
import { resolvePacketId } from './resolveRef.ts'
import { requireSignature } from './signatures.ts'
import { blobSha256 } from './stateLayers.ts'

export interface VerifyInput {
  readonly ref: string
  readonly level?: 'intact' | 'signed' | 'recomputed'
  /** Replay only this many random blocks (keys and values only). */
  readonly sample?: number | undefined
  readonly model?: string | undefined
}

type Check = Output<'packets.verify'>['checks'][number]

/** Largest difference allowed, as a share of the largest value of the same layer (docs/format.md, "Verification"). */
const TOLERANCE = { float32: 1e-4, float16: 2e-3, int8: 1 / 127, float8_e4m3: 1 / 14 } as const
const LEVELS: readonly VerifiedLevel[] = ['none', 'intact', 'signed', 'sampled', 'recomputed']

/**
 * Checks a cartridge. `intact`: every byte against its digest, config against layers, shapes against the config.
 * `recomputed`: the tokens are read again by the installed model and every value compared; only this proves that the state
 * is what its recipe says. Throws what is wrong: `E_CORRUPT`, `E_MISSING_BLOB`, `E_BAD_FORMAT`, `E_COMPONENT_MISMATCH`,
 * `E_NOT_RECOMPUTED` naming the layer; the refusal is a receipt too.
 */
export async function verifyPacket(
  context: PacketContext,
  input: VerifyInput,
  call: Call = {},
): Promise<Output<'packets.verify'>> {
  const started = performance.now()
  const packetId = await resolvePacketId(context, input.ref)
  const level = input.level ?? 'intact'
  const checks: Check[] = []
  let tokensProcessed = 0
  let maxAbsDiff: number | null = null
  let detectionProbability: number | null = null
  let reached: VerifiedLevel = 'intact'
  let packet: Packet | null = null
  let loaded: LoadedModel | null = null
  let failure: unknown = null
  try {
    packet = await readPacket(context.store.blobs, packetId)
    const snapshot = await checkIntact(context, packet, call)
    checks.push(intactCheck('cache', `Every byte of ${packet.manifest.layers.length} layers matches its digest.`))
    if (level === 'signed') {
      const keyid = await requireSignature(context, packetId)
      checks.push(intactCheck('format', `Signed by ${keyid.slice(0, 16)}….`))
      reached = 'signed'
    }
    if (level === 'recomputed') {
      loaded = await loadModelFor(context, packet, { model: input.model, signal: call.signal })
      const components = componentChecks(packet, loaded)
      checks.push(...components.map(({ component, ok, message }) => ({ component, ok, message })))
      const wrong = components.find(check => !check.ok)
      if (wrong !== undefined) throw mismatch(wrong.component, wrong.expected, wrong.found)
      const replay = await recompute(context, { packet, loaded, snapshot, sample: input.sample }, call)
      ;({ tokensProcessed, maxAbsDiff, detectionProbability } = replay)
      reached = detectionProbability === null ? 'recomputed' : 'sampled'
    }
  } catch (thrown) {
    failure = thrown
  }
  const code = failure instanceof StatePackError ? failure.code : failure === null ? null : 'E_INTERNAL'
  if (code === 'E_CANCELLED') throw failure
  const receipt = await context.recorder.record({
    receipt: {
      op: 'verify',
      ok: failure === null,
      error: code,
      inputs: [{ role: 'packet', digest: packetId }],
      packet_id: packetId,
      context_id: packet?.contextId ?? null,
      blob_sha256: packet === null ? null : blobSha256(packet.config),
      tokens:
        packet === null
          ? null
          : { base: packet.config.tokens.count, delta: 0, processed: tokensProcessed, saved: 0, savings_percent: 0 },
      model: packet?.config.model ?? null,
      environment: loaded === null ? null : receiptEnvironment(loaded.runtime.environment),
      details: {
        level,
        reached: failure === null ? reached : 'none',
        max_abs_diff: maxAbsDiff,
        detection_probability: detectionProbability,
      },
      observed: { seconds: (performance.now() - started) / 1000 },
    },
  })
  if (failure !== null) throw failure
  promote(context, packetId, reached)
  return {
    ok: true,
    level: reached,
    packetId,
    checks,
    maxAbsDiff,
    tokensProcessed,
    detectionProbability,
    receipt: receiptView(receipt),
  }
}

/** A higher level replaces a lower one; recomputing here also ends the restriction of an import. */
function promote(context: PacketContext, packetId: Packet['packetId'], reached: VerifiedLevel): void {
  const { packets } = context.store.library
  const row = packets.get(packetId)
  if (row === null) return
  if (LEVELS.indexOf(reached) > LEVELS.indexOf(row.verified)) packets.setVerified(packetId, reached)
  if (reached === 'recomputed' && row.trust === 'restricted') packets.setTrust(packetId, 'trusted')
  context.changed([packetId])
}

/** Re-hashes everything and decodes the state, so that shapes and sizes are checked as well. */
async function checkIntact(context: PacketContext, packet: Packet, call: Call): Promise<StateSnapshot> {
  const { blobs } = context.store
  const total = packet.manifest.layers.length
  for (const [index, layer] of packet.manifest.layers.entries()) {
    if (call.signal?.aborted) throw new StatePackError('E_CANCELLED', 'Cancelled.')
    await blobs.check(layer)
    call.progress?.({ phase: 'verifying', done: index + 1, total, unit: 'items' })
  }
  const tokens = await readTokens(blobs, packet)
  if (tokens.length !== packet.config.tokens.count) {
    throw new StatePackError('E_BAD_FORMAT', 'The token buffer is not as long as the config says.', {
      component: 'tokens',
      expected: packet.config.tokens.count,
      found: tokens.length,
    })
  }
  await readLogits(blobs, packet)
  return readSnapshot(blobs, packet)
}

interface Replay {
  readonly packet: Packet
  readonly loaded: LoadedModel
  readonly snapshot: StateSnapshot
  readonly sample?: number | undefined
}

async function recompute(context: PacketContext, replay: Replay, call: Call) {
  const { packet, loaded, snapshot } = replay
  if (packet.config.origin.kind === 'mix') {
    const again = await rebuildMix(context, packet)
    return {
      tokensProcessed: 0,
      maxAbsDiff: await assertSame(packet.config, snapshot, again, 0),
      detectionProbability: null,
    }
  }
  const tokens = await readTokens(context.store.blobs, packet)
  const logits = await readLogits(context.store.blobs, packet)
  const blocks = snapshot.blocks.length
  if (replay.sample !== undefined && snapshot.recurrent.length === 0 && replay.sample < blocks) {
    return replayBlocks({ packet, loaded, snapshot, tokens, count: replay.sample }, call)
  }
  using session = loaded.runtime.newSession()
  const last =
    tokens.length === 0
      ? null
      : await session.append(tokens, { signal: call.signal, onProgress: readingProgress(call, 'recomputing') })
  const difference = await assertSame(packet.config, snapshot, await session.capture(), 0)
  if (last !== null && logits !== null) assertSameLogits(packet.config, logits, last)
  return { tokensProcessed: session.processed, maxAbsDiff: difference, detectionProbability: null }
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
  let largest = 0
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
    largest = Math.max(
      largest,
      await assertSame(
        packet.config,
        { ...snapshot, position: again.position, blocks: [block] },
        { ...again, blocks: again.blocks.slice(index) },
        block.start,
      ),
    )
    call.progress?.({ phase: 'recomputing', done: processed, unit: 'tokens' })
  }
  return { tokensProcessed: processed, maxAbsDiff: largest, detectionProbability: chosen.size / blocks }
}

/** Compares every value, layer by layer, in the stored dtype's tolerance. Returns the largest difference. */
async function assertSame(
  config: CartridgeConfig,
  stored: StateSnapshot,
  again: StateSnapshot,
  start: number,
): Promise<number> {
  const { dtype } = config.cache
  const expected = dtype === 'float32' ? again : await roundTripState(again, dtype)
  let largest = 0
  for (const { layer, tensor, maxAbsDiff, maxAbs } of compareStates(expected, stored)) {
    largest = Math.max(largest, maxAbsDiff)
    if (maxAbsDiff <= TOLERANCE[dtype] * Math.max(maxAbs, 1e-6)) continue
    throw new StatePackError(
      'E_NOT_RECOMPUTED',
      `Reading the tokens again does not give this state: ${tensor} of layer ${layer} differs by ${maxAbsDiff.toPrecision(3)}.`,
      { component: 'cache', layer, tensor, maxAbsDiff, start },
    )
  }
  return largest
}

function assertSameLogits(config: CartridgeConfig, stored: Float32Array, again: Float32Array): void {
  let largest = 0
  let scale = 0
  for (const [id, value] of again.entries()) {
    largest = Math.max(largest, Math.abs(value - (stored[id] ?? 0)))
    scale = Math.max(scale, Math.abs(value))
  }
  if (stored.length === again.length && largest <= TOLERANCE[config.cache.dtype] * Math.max(scale, 1)) return
  throw new StatePackError('E_NOT_RECOMPUTED', 'Reading the tokens again does not give these logits.', {
    component: 'logits',
    maxAbsDiff: largest,
  })
}

function intactCheck(component: ComponentId, message: string): Check {
  return { component, ok: true, message }
}

function mismatch(component: string, expected: string, found: string): StatePackError {
  return new StatePackError(
    'E_COMPONENT_MISMATCH',
    `Component "${component}" is not the one this cartridge was made with.`,
    {
      component,
      expected,
      found,
    },
  )
}
