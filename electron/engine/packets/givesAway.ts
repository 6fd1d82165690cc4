import { cartridgeFileName } from '#shared/domain/cartridgeFileName.ts'
import type { Receipt } from '#shared/domain/receipt.ts'
import type { Output } from '#shared/rpc/client.ts'
import { assertAllowed } from './assertAllowed.ts'
import type { PacketContext } from './context.ts'
import { sameModel } from './contextId.ts'
import { findSecrets } from './findSecrets.ts'
import { installedModel } from './inspectPacket.ts'
import { type Packet, readDocuments, readPacket, readTokens } from './packet.ts'
import { receiptAlong } from './receiptAlong.ts'
import { resolvePacketId } from './resolveRef.ts'
import { summaryOf } from './summaries.ts'

/**
 * What anyone who gets the exported file can read of it: texts, system prompt, card, and what was written into the state
 * without being a text of its own. Looked at before the file is written. Throws what finding and reading the packet throw,
 * `E_RESTRICTED`.
 */
export async function givesAway(context: PacketContext, ref: string): Promise<Output<'packets.exportReview'>> {
  const packetId = await resolvePacketId(context, ref)
  assertAllowed(context, packetId, 'share')
  const packet = await readPacket(context.blobs, packetId)
  const { sources, recipe, card } = await readDocuments(context.blobs, packet)
  const { systemPrompt } = recipe
  const written = packet.config.segments.some(({ kind }) => kind === 'generated') || sources.length === 0
  const decoded = written ? await decodedText(context, packet) : null
  const text = decoded ?? sources.map(source => source.text).join('\n\n')
  const { name } = await summaryOf(context, packetId)
  const made = await receiptAlong(context, packetId)
  return {
    ...{ packetId, name, fileName: cartridgeFileName(name) },
    bytes: packet.manifest.layers.reduce((sum, layer) => sum + layer.size, packet.manifest.config.size),
    sources: sources.map(source => ({ name: source.name, characters: source.text.length })),
    systemPrompt,
    card,
    recoverableText: text,
    secrets: await findSecrets([systemPrompt ?? '', text, card].join('\n')),
    made: made === null ? null : saidBy(made),
  }
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
  return model.tokenizer?.decode(await readTokens(context.blobs, packet)) ?? null
}
