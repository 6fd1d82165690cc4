import { withheldTokens } from '#shared/domain/cartridge.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { blobsOf } from '#shared/domain/oci.ts'
import type { Output } from '#shared/rpc/client.ts'
import { assertDerived } from '../packets/assertDerived.ts'
import { blockedSigner } from '../packets/blockedPublishers.ts'
import type { PacketContext } from '../packets/context.ts'
import { sameModel } from '../packets/contextId.ts'
import { findSecrets } from '../packets/findSecrets.ts'
import { installedModel } from '../packets/inspectPacket.ts'
import { readDocuments, readToldTokens } from '../packets/packet.ts'
import type { PacketSignature, SoundReferrer } from '../packets/referrers.ts'
import { signerInWords } from '../packets/signatures.ts'
import type { ImportCandidate } from '../store/cartridgeFile/importCartridge.ts'
import type { CartridgeSource } from './cartridgeSource.ts'
import { checkCandidate } from './checkCandidate.ts'
import { lookInto } from './lookInto.ts'

/** All but where it came from. */
type Review = Omit<Output<'packets.review'>, 'from'>

/** Looks at a file without keeping anything of it. */
export async function reviewCartridge(context: PacketContext, source: CartridgeSource): Promise<Review> {
  return lookInto(context, source, candidate => reviewOf(context, candidate, source.bytes))
}

/** What a person must have seen who is asked for trust: what the model will read, and whether the texts shown say so. */
async function reviewOf(context: PacketContext, candidate: ImportCandidate, bytes: number): Promise<Review> {
  const { packet, sound, refused } = await checkCandidate(context, candidate)
  const signatures = sound.flatMap(({ signature }) => (signature === null ? [] : [signature]))
  const { blobs } = candidate
  const { sources, card, recipe } = await readDocuments(blobs, packet)
  const { config } = packet
  const found = await installedModel(context, packet)
  const model = found !== null && sameModel(found.fingerprint, config.model) ? found : null
  const modelReads = model?.tokenizer?.decode(await readToldTokens(blobs, packet)) ?? null
  const known = context.store.library.packets.get(packet.packetId)
  const text = sources.map(source => source.text).join('\n\n')
  const secrets = await Promise.all(
    [text, modelReads ?? '', config.tail.text, recipe.systemPrompt ?? '', card].map(findSecrets),
  )
  return {
    packetId: packet.packetId,
    contextId: packet.contextId,
    name: candidate.packet.entry.title,
    bytes,
    storedBytes: blobsOf(packet.manifest).reduce((sum, { size }) => sum + size, 0),
    tokens: config.tokens.count,
    withheldTokens: withheldTokens(config),
    kind: config.kind,
    model: config.model,
    modelInstalled: model !== null,
    duplicate: known !== null && known.removedAt === null,
    own: await context.receipts.vouchesFor(packet.packetId),
    signedBy: signerInWords(signatures),
    signer: signatures[0]?.keyid ?? null,
    blocked: blockedSigner(context, signatures),
    made: madeBy(sound, signatures[0]),
    refusedReferrers: refused.length,
    recoverableText: text,
    systemPrompt: recipe.systemPrompt,
    modelReads,
    heldBack: config.tail.text,
    generatedTokens: config.segments.reduce(
      (sum, { kind, start, end }) => sum + (kind === 'generated' ? end - start : 0),
      0,
    ),
    notFromTexts: model === null ? null : await whyNotDerived(() => assertDerived(blobs, packet, { model })),
    secrets: [...new Map(secrets.flat().map(secret => [`${secret.kind} ${secret.excerpt}`, secret])).values()],
    card,
  }
}

async function whyNotDerived(check: () => Promise<void>): Promise<string | null> {
  try {
    await check()
    return null
  } catch (thrown) {
    if (thrown instanceof StatePackError) return thrown.message
    throw thrown
  }
}

/** In the words of the signer that the review names, whoever else speaks about the cartridge. */
function madeBy(sound: readonly SoundReferrer[], signer: PacketSignature | undefined): Review['made'] {
  const said = sound.map(({ receipt }) => receipt).find(one => one !== null && signer?.succession.includes(one.keyid))
  return said == null ? null : { op: said.op, at: said.observed.at, seconds: said.observed.seconds }
}
