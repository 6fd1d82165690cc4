import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Receipt } from '#shared/domain/receipt.ts'
import { allows } from '#shared/domain/trust.ts'
import type { Output } from '#shared/rpc/client.ts'
import { assertNotBlocked } from '../packets/blockedPublishers.ts'
import type { PacketContext } from '../packets/context.ts'
import { freeName } from '../packets/publish.ts'
import { trustPublisher } from '../packets/publishers.ts'
import type { SoundReferrer } from '../packets/referrers.ts'
import { blobSha256 } from '../packets/stateLayers.ts'
import { summaryOf } from '../packets/summaries.ts'
import { receiptView } from '../receipts/receiptView.ts'
import { type Admitted, importCartridge } from '../store/cartridgeFile/importCartridge.ts'
import type { CartridgeSource } from './cartridgeSource.ts'
import { type CheckedCandidate, checkCandidate } from './checkCandidate.ts'

export interface Admission {
  readonly source: CartridgeSource
  /**
   * Let it be run at once, and trust the signer that its review names; `known`: let it be run if a publisher has signed it
   * whom somebody here trusted before.
   */
  readonly trust: boolean | 'known'
  /** Default: as it is titled. Null: nobody will call it by a name. */
  readonly name?: string | null | undefined
  /** Of the review that a person has seen: any other cartridge is refused. */
  readonly packetId?: Digest | undefined
}

/**
 * Takes a `.cartridge` file in: all checks first, then its receipt, then one transaction with everything that was decided.
 * What was not made here is restricted until someone trusts it or it recomputes. A signature, receipt or trace that does not
 * hold is left out; a file that asks for trust with a forged one is refused whole. Throws `E_BAD_FORMAT`, `E_CORRUPT`,
 * `E_MISSING_BLOB`, `E_TOO_LARGE`, `E_BAD_SIGNATURE`, `E_BLOCKED`, `E_CONFLICT`; then the library is as it was.
 */
export async function admitCartridge(
  context: PacketContext,
  { source, trust, name, packetId: expected }: Admission,
): Promise<Omit<Output<'packets.import'>, 'from' | 'bytesFetched'>> {
  const started = performance.now()
  let receipt: Receipt | null = null
  let checked: CheckedCandidate | null = null
  const imported = await importCartridge(context.store.parts, source.chunks(), {
    lenient: source.lenient,
    trust: trust === true ? 'trusted' : 'restricted',
    review: async candidate => {
      const found = candidate.packet.packetId
      if (expected !== undefined && found !== expected) throw anotherCartridge(found)
      checked = await checkCandidate(context, candidate)
      assertNotBlocked(
        context,
        checked.sound.map(({ signature }) => signature),
      )
      const [first] = checked.refused
      if (trust === true && first !== undefined) throw untrusted(first.why)
      return decision(context, {
        checked,
        trust,
        title: name === null ? null : name?.trim() || candidate.packet.entry.title,
      })
    },
    receipt: async ({ packetId }) => {
      receipt = await context.recorder.record({
        receipt: {
          op: 'import',
          inputs: [{ role: 'packet', digest: packetId }],
          packet_id: packetId,
          context_id: checked?.packet.contextId ?? null,
          blob_sha256: checked === null ? null : blobSha256(checked.packet.config),
          bytes: source.bytes,
          model: checked?.packet.config.model ?? null,
          details: { trusted: trust === 'known' ? isSignedByKnown(checked) : trust },
          observed: { seconds: (performance.now() - started) / 1000 },
        },
      })
    },
  })
  const { refused } = (checked as CheckedCandidate | null) ?? { refused: [] }
  if (receipt === null) throw new StatePackError('E_INTERNAL', 'A cartridge was imported without a receipt.')
  context.store.touchIndexFile()
  context.changed([imported.packetId])
  return {
    cartridge: await summaryOf(context, imported.packetId),
    duplicate: imported.cacheHit,
    refusedReferrers: refused.length,
    receipt: receiptView(receipt),
  }
}

/** What enters together with the packet: its referrers, its name, and whom this decision trusts. */
async function decision(
  context: PacketContext,
  { checked, trust, title }: { checked: CheckedCandidate; trust: boolean | 'known'; title: string | null },
): Promise<Admitted> {
  const { library } = context.store
  const { packetId } = checked.packet
  const known = library.packets.get(packetId)
  const isRunnable = known !== null && known.removedAt === null && allows(known.trust, 'run')
  // What comes unasked beside a packet that is trusted here changes nothing of it.
  const isWelcome = ({ signature }: SoundReferrer) =>
    trust === true || !isRunnable || (signature?.publisher ?? 'unknown') !== 'unknown'
  const taken = checked.sound.filter(isWelcome)
  // A packet that this very library has made and signed for needs nobody's word.
  const isOwn = !isRunnable && (await context.receipts.vouchesFor(packetId))
  const isTrusted = trust === 'known' && isSignedByKnown(checked)
  const signer = checked.sound.find(({ signature }) => signature !== null)?.signature
  return {
    referrers: taken.map(({ digest }) => digest),
    decide: entered => {
      const { packets } = library
      if (title !== null && packets.names.of(entered).length === 0)
        packets.names.rename(entered, freeName(context, title), Date.now())
      if (
        (isOwn || isTrusted) &&
        packets.get(packetId)?.trust === 'restricted' &&
        packets.ofContext(checked.packet.contextId, checked.packet.config.cache.dtype) === null
      )
        packets.setTrust(packetId, isOwn ? 'own' : 'trusted')
      if (trust === true && signer?.publisher === 'unknown') trustPublisher(context, signer.keyid)
      // A publisher who was seen before stays known by the new key, whatever becomes of the old one.
      for (const { signature } of taken) if (signature?.follows != null) trustPublisher(context, signature.keyid)
    },
  }
}

function isSignedByKnown(checked: CheckedCandidate | null): boolean {
  return checked?.sound.some(({ signature }) => signature !== null && signature.publisher !== 'unknown') ?? false
}

export function anotherCartridge(found: Digest): StatePackError {
  const message = 'Another cartridge is there now than the one that was reviewed. Review it again.'
  return new StatePackError('E_CONFLICT', message, { found })
}

function untrusted(why: StatePackError): StatePackError {
  return new StatePackError(
    'E_BAD_SIGNATURE',
    `A signature, receipt or trace in this file does not hold, so the file is not trusted and nothing of it was kept: ${why.message} It can be imported restricted, without that.`,
    {},
    why,
  )
}
