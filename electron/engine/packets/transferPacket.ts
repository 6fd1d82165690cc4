import { StatePackError } from '#shared/domain/error.ts'
import type { Receipt } from '#shared/domain/receipt.ts'
import type { Output } from '#shared/rpc/client.ts'
import { findSecrets } from '../library/findSecrets.ts'
import { summaryOf } from '../library/summaries.ts'
import { receiptView } from '../receipts/receiptView.ts'
import { exportCartridge } from '../store/cartridgeFile/exportCartridge.ts'
import { type ImportCandidate, importCartridge } from '../store/cartridgeFile/importCartridge.ts'
import type { Call, PacketContext } from './context.ts'
import { sameModel } from './contextId.ts'
import { assertRunnable } from './openState.ts'
import { type Packet, readDocuments, readLogits, readPacket, readSnapshot, readTokens } from './packet.ts'
import { freeName } from './publish.ts'
import { resolvePacketId } from './resolveRef.ts'
import { signaturesOf, signPacket, trustPublishers } from './signatures.ts'
import { blobSha256 } from './stateLayers.ts'

/** One canonical `.cartridge` file, every blob re-hashed on the way. Throws `E_RESTRICTED` for an import nobody trusts yet. */
export async function exportPacket(
  context: PacketContext,
  ref: string,
  call: Call = {},
): Promise<Output<'packets.export'>> {
  const started = performance.now()
  const packetId = await resolvePacketId(context, ref)
  assertRunnable(context, packetId)
  const packet = await readPacket(context.blobs, packetId)
  if (!context.store.readOnly) await signPacket(context, packetId)
  const chunks: Uint8Array[] = []
  for await (const chunk of exportCartridge(context.store.parts, packetId)) {
    if (call.signal?.aborted) throw new StatePackError('E_CANCELLED', 'Cancelled.')
    chunks.push(chunk)
  }
  const bytes = new Uint8Array(Buffer.concat(chunks))
  const receipt = await context.recorder.record({
    receipt: {
      op: 'export',
      inputs: [{ role: 'packet', digest: packetId }],
      packet_id: packetId,
      context_id: packet.contextId,
      blob_sha256: blobSha256(packet.config),
      bytes: bytes.byteLength,
      model: packet.config.model,
      observed: { seconds: (performance.now() - started) / 1000 },
    },
  })
  const { name } = await summaryOf(context, packetId)
  return { fileName: fileName(name), bytes, receipt: receiptView(receipt) }
}

/** A name that every file system takes. */
function fileName(name: string): string {
  const plain = name
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}._ -]+/gu, '-')
    .replace(/^[. -]+|[. -]+$/g, '')
    .slice(0, 100)
  return `${plain === '' ? 'cartridge' : plain}.cartridge`
}

/** Looks at a file without keeping anything of it: everything is checked as for an import, then thrown away. */
export async function reviewPacket(context: PacketContext, bytes: Uint8Array): Promise<Output<'packets.review'>> {
  let review: Output<'packets.review'> | null = null
  const stop = new StatePackError('E_CANCELLED', 'Reviewed.')
  try {
    await importCartridge(context.store.parts, once(bytes), {
      review: async candidate => {
        review = await reviewOf(context, candidate, bytes.byteLength)
        throw stop
      },
    })
  } catch (thrown) {
    if (thrown !== stop) throw thrown
  }
  if (review === null) throw new StatePackError('E_INTERNAL', 'The file was read without being reviewed.')
  return review
}

/**
 * Imports a `.cartridge` file. What was not made here is restricted until someone trusts it or it recomputes. Throws
 * `E_BAD_FORMAT`, `E_CORRUPT`, `E_MISSING_BLOB`, `E_TOO_LARGE`; then the store is as it was.
 */
export async function importPacket(
  context: PacketContext,
  { bytes, trust, name }: { bytes: Uint8Array; trust: boolean; name?: string | undefined },
): Promise<Output<'packets.import'>> {
  const started = performance.now()
  let receipt: Receipt | null = null
  let packet: Packet | null = null
  let title = name?.trim() || undefined
  const imported = await importCartridge(context.store.parts, once(bytes), {
    trust: trust ? 'trusted' : 'restricted',
    review: async candidate => {
      packet = await checkCandidate(candidate)
      title ??= candidate.packet.entry.title
    },
    receipt: async ({ packetId }) => {
      receipt = await context.recorder.record({
        receipt: {
          op: 'import',
          inputs: [{ role: 'packet', digest: packetId }],
          packet_id: packetId,
          context_id: packet?.contextId ?? null,
          blob_sha256: packet === null ? null : blobSha256(packet.config),
          bytes: bytes.byteLength,
          model: packet?.config.model ?? null,
          details: { trusted: trust },
          observed: { seconds: (performance.now() - started) / 1000 },
        },
      })
    },
  })
  if (receipt === null) throw new StatePackError('E_INTERNAL', 'A cartridge was imported without a receipt.')
  const { packets } = context.store.library
  const { packetId } = imported
  if ((packets.names().get(packetId) ?? []).length === 0)
    packets.rename(packetId, freeName(context, title ?? 'Imported'), Date.now())
  // A packet that this very library has made and signed for needs nobody's word.
  if (packets.get(packetId)?.trust === 'restricted' && (await context.receipts.vouchesFor(packetId)))
    packets.setTrust(packetId, 'own')
  if (trust) await trustPublishers(context, packetId)
  context.store.touchIndexFile()
  context.changed([packetId])
  return { cartridge: await summaryOf(context, packetId), duplicate: imported.cacheHit, receipt: receiptView(receipt) }
}

/** Every layer decoded once: shapes, sizes and counts must be what the config says. */
async function checkCandidate({ packet: { packetId }, blobs }: ImportCandidate): Promise<Packet> {
  const packet = await readPacket(blobs, packetId)
  const tokens = await readTokens(blobs, packet)
  if (tokens.length !== packet.config.tokens.count) {
    throw new StatePackError('E_BAD_FORMAT', 'The token buffer is not as long as the config says.', {
      component: 'tokens',
    })
  }
  await readSnapshot(blobs, packet)
  await readLogits(blobs, packet)
  return packet
}

async function reviewOf(
  context: PacketContext,
  candidate: ImportCandidate,
  bytes: number,
): Promise<Output<'packets.review'>> {
  const packet = await checkCandidate(candidate)
  const { sources, card } = await readDocuments(candidate.blobs, packet)
  const { config } = packet
  const installed = await context.models.forFingerprint(config.model, sameModel).then(
    async entry => sameModel((await context.models.open(entry.id)).fingerprint, config.model),
    () => false,
  )
  const known = context.store.library.packets.get(packet.packetId)
  const text = sources.map(source => source.text).join('\n\n')
  return {
    packetId: packet.packetId,
    contextId: packet.contextId,
    name: candidate.packet.entry.title,
    bytes,
    tokens: config.tokens.count,
    kind: config.kind,
    model: config.model,
    modelInstalled: installed,
    duplicate: known !== null && known.removedAt === null,
    signedBy: await signer(context, candidate),
    recoverableText: text,
    secrets: findSecrets(text),
    card,
  }
}

/** Who signed a file, in words; null for nobody. */
async function signer(context: PacketContext, { packet, referrers, blobs }: ImportCandidate): Promise<string | null> {
  const digests = referrers.map(({ digest }) => digest)
  const [first] = await signaturesOf(context, { packetId: packet.packetId, blobs, referrers: digests })
  if (first === undefined) return null
  const whose = {
    own: 'this installation',
    known: 'a publisher trusted before',
    unknown: 'a publisher seen for the first time',
  }
  return `${whose[first.publisher]} (${first.keyid.slice(0, 16)}…)`
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
