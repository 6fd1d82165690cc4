import { withheldTokens } from '#shared/domain/cartridge.ts'
import type { ComponentId } from '#shared/domain/component.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Output } from '#shared/rpc/client.ts'
import type { LoadedModel } from '../live/modelPool.ts'
import { receiptView } from '../receipts/receiptView.ts'
import type { VerifiedLevel } from '../store/library/packetRows.ts'
import { assertDerived } from './assertDerived.ts'
import { checkContents } from './checkContents.ts'
import { type Call, type PacketContext, receiptEnvironment } from './context.ts'
import { componentChecks, loadModelFor } from './openState.ts'
import { type Packet, readPacket, readSnapshot } from './packet.ts'
import { recomputeState } from './recomputeState.ts'
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

const LEVELS: readonly VerifiedLevel[] = ['none', 'intact', 'signed', 'sampled', 'recomputed']

/**
 * Checks a cartridge. `intact`: every byte against its digest, config against layers, shapes against the config.
 * `recomputed`: its recipe is followed on its texts, which must give its tokens and everything it says of them; then the
 * installed model reads the tokens again and every value is compared. Only this proves that the state is that of its texts.
 * Throws what is wrong: `E_CORRUPT`, `E_MISSING_BLOB`, `E_BAD_FORMAT`, `E_COMPONENT_MISMATCH`,
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
  let maxShare: number | null = null
  let rmsShare: number | null = null
  let detectionProbability: number | null = null
  let unproven = 0
  let reached: VerifiedLevel = 'intact'
  let packet: Packet | null = null
  let loaded: LoadedModel | null = null
  let failure: unknown = null
  try {
    packet = await readPacket(context.blobs, packetId)
    await checkContents(context.store.blobs, packet, call)
    checks.push(intactCheck('cache', `Every byte of ${packet.manifest.layers.length} layers matches its digest.`))
    const withheld = withheldTokens(packet.config)
    if (withheld > 0) checks.push(intactCheck('tokens', unprovenText(withheld)))
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
      await assertDerived(context.store.blobs, packet, loaded)
      const snapshot = await readSnapshot(context.store.blobs, packet)
      const replay = await recomputeState(context, { packet, loaded, snapshot, sample: input.sample }, call)
      ;({ tokensProcessed, maxAbsDiff, maxShare, rmsShare, detectionProbability, unproven } = replay)
      checks.push(textCheck(unproven))
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
        max_share: maxShare,
        rms_share: rmsShare,
        detection_probability: detectionProbability,
      },
      observed: { seconds: (performance.now() - started) / 1000 },
    },
  })
  if (failure !== null) throw failure
  promote(context, packetId, { reached, isProven: unproven === 0 })
  return {
    ok: true,
    level: reached,
    packetId,
    checks,
    maxAbsDiff,
    maxShare,
    rmsShare,
    tokensProcessed,
    detectionProbability,
    unprovenTokens: unproven,
    receipt: receiptView(receipt),
  }
}

/**
 * A higher level replaces a lower one. Recomputing here also ends the restriction of an import, when all it has read was
 * proven and no cartridge that may be run holds the same context.
 */
function promote(
  context: PacketContext,
  packetId: Packet['packetId'],
  { reached, isProven }: { reached: VerifiedLevel; isProven: boolean },
): void {
  const { packets } = context.store.library
  const row = packets.get(packetId)
  if (row === null) return
  if (LEVELS.indexOf(reached) > LEVELS.indexOf(row.verified)) packets.setVerified(packetId, reached)
  const isFree = row.trust === 'restricted' && packets.ofContext(row.contextId, row.dtype) === null
  if (reached === 'recomputed' && isProven && isFree) packets.setTrust(packetId, 'trusted')
  context.changed([packetId])
}

function textCheck(unproven: number): Check {
  return {
    component: 'tokens',
    ok: true,
    message:
      unproven === 0
        ? 'Its recipe and its texts give these tokens.'
        : `${unproven} of its tokens are said to be the model's own words, and the model would not say them by itself: nothing proves where they come from.`,
  }
}

function unprovenText(withheld: number): string {
  return `Its first ${withheld} tokens, and the texts that they are of, were withheld by who shared it: nothing proves what it has read.`
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
