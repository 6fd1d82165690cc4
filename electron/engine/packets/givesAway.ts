import { cartridgeFileName } from '#shared/domain/cartridgeFileName.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { LAYER_TYPES } from '#shared/domain/oci.ts'
import type { Receipt } from '#shared/domain/receipt.ts'
import type { Output } from '#shared/rpc/client.ts'
import { cartridgeFileSize, readRoot } from '../store/cartridgeFile/exportCartridge.ts'
import { assertAllowed } from './assertAllowed.ts'
import type { PacketContext } from './context.ts'
import { sameModel } from './contextId.ts'
import { findSecrets } from './findSecrets.ts'
import { installedModel } from './inspectPacket.ts'
import { type Packet, readDocuments, readPacket, readToldTokens } from './packet.ts'
import { receiptAlong } from './receiptAlong.ts'
import { resolvePacketId } from './resolveRef.ts'
import type { Leaving } from './shareable.ts'
import { summaryOf } from './summaries.ts'
import { cannotWithhold } from './withholdText.ts'

/** Layers that are the texts, and what follows from them. */
const TOLD: readonly string[] = [LAYER_TYPES.tokens, LAYER_TYPES.source, LAYER_TYPES.recipe]

/**
 * What anyone who gets the exported file can read of it: texts, system prompt, card, and what was written into the state
 * without being a text of its own. Looked at before the file is written. Throws what finding and reading the packet throw,
 * `E_RESTRICTED`, `E_NOT_SUPPORTED` for what cannot be withheld.
 */
export async function givesAway(
  context: PacketContext,
  { ref, withhold }: { readonly ref: string } & Pick<Leaving, 'withhold'>,
): Promise<Output<'packets.exportReview'>> {
  const packetId = await resolvePacketId(context, ref)
  assertAllowed(context, packetId, 'share')
  const packet = await readPacket(context.blobs, packetId)
  const { sources, recipe, card } = await readDocuments(context.blobs, packet)
  const notWithheld = cannotWithhold(packet, recipe)
  if (withhold && notWithheld !== null) throw new StatePackError('E_NOT_SUPPORTED', notWithheld, { packetId })
  const told = withhold ? [] : sources
  const systemPrompt = withhold ? null : recipe.systemPrompt
  const written = packet.config.segments.some(({ kind }) => kind === 'generated') || sources.length === 0
  const decoded = written && !withhold ? await decodedText(context, packet) : null
  const text = decoded ?? told.map(source => source.text).join('\n\n')
  const { name } = await summaryOf(context, packetId)
  const made = withhold ? null : await receiptAlong(context, packetId)
  return {
    ...{ packetId, name, fileName: cartridgeFileName(name) },
    bytes: await fileBytes(context, packet, { withhold, alongside: made === null ? 1 : 2 }),
    sources: told.map(source => ({ name: source.name, characters: source.text.length })),
    systemPrompt,
    card,
    recoverableText: text,
    secrets: await findSecrets([systemPrompt ?? '', text, card].join('\n')),
    made: made === null ? null : saidBy(made),
    notWithheld,
  }
}

/** Of what goes along with a packet, until it is written: the manifest and the statement of a signature or a receipt. */
const ALONG_BYTES = 5500

/** Of the file that is written, about: its signature and receipt may not be there yet. */
async function fileBytes(
  { store }: PacketContext,
  { packetId, manifest }: Packet,
  { withhold, alongside }: { withhold: boolean; alongside: number },
): Promise<number> {
  const root = await readRoot(store.parts, packetId)
  const layers = withhold ? manifest.layers.filter(({ mediaType }) => !TOLD.includes(mediaType)) : manifest.layers
  const rows = withhold ? [] : store.library.referrers.list({ subject: packetId })
  const referrers = await Promise.all(rows.map(({ digest }) => readRoot(store.parts, digest)))
  const written = cartridgeFileSize({ packet: { ...root, manifest: { ...manifest, layers } }, referrers })
  return written + Math.max(0, alongside - referrers.length) * ALONG_BYTES
}

function saidBy({ op, observed, environment }: Receipt): Output<'packets.exportReview'>['made'] {
  return {
    ...{ op, at: observed.at, seconds: observed.seconds },
    provider: environment?.provider ?? null,
    runtime: environment?.runtime_version ?? null,
    threads: environment?.threads ?? null,
  }
}

/** All that the model has read and written, from its tokens; null without the model to tell. */
async function decodedText(context: PacketContext, packet: Packet): Promise<string | null> {
  const model = await installedModel(context, packet)
  if (model === null || !sameModel(model.fingerprint, packet.config.model)) return null
  return model.tokenizer?.decode(await readToldTokens(context.blobs, packet)) ?? null
}
