import { StatePackError } from '#shared/domain/error.ts'
import { assertAllowed } from './assertAllowed.ts'
import type { Call, PacketContext } from './context.ts'
import { type Created, createPacket } from './createPacket.ts'
import { assertFits, loadModelFor } from './openState.ts'
import { assertTold, readDocuments, readPacket } from './packet.ts'
import { plainText } from './plainText.ts'
import { resolvePacketId } from './resolveRef.ts'

/**
 * Reads the texts of several cartridges again, in the given order, into one exact state: their system prompts before them,
 * through the chat template when one of them was. Turns of a conversation are no texts: they stay behind, and are said.
 * Throws `E_NOT_SUPPORTED` for a cartridge that carries no text, or not all of it (a mix, a share without its texts), else what creating throws.
 */
export async function composePackets(
  context: PacketContext,
  { refs, name }: { refs: readonly string[]; name?: string | undefined },
  call: Call = {},
): Promise<Created> {
  const parts = await Promise.all(refs.map(ref => readPart(context, ref)))
  const [first] = parts
  if (first === undefined) throw new StatePackError('E_BAD_INPUT', 'There is nothing to compose.')
  const loaded = await loadModelFor(context, first.packet, call)
  await assertFits(context, first.packet, loaded)
  const prompts = parts.flatMap(({ recipe }) => recipe.systemPrompt ?? [])
  const created = await createPacket(
    context,
    {
      model: loaded.entry.id,
      sources: parts.map(({ source }) => source),
      systemPrompt: prompts.length === 0 ? undefined : [...new Set(prompts)].join('\n\n'),
      template: parts.some(({ recipe }) => recipe.template),
      time: parts.map(({ recipe }) => recipe.chat?.time).find(time => time !== undefined),
      controlTokens: parts.find(({ recipe }) => recipe.controlTokens === 'control')?.recipe.controlTokens,
      dtype: first.packet.config.cache.dtype,
      name,
      card: parts
        .map(({ card }) => card)
        .filter(card => card !== '')
        .join('\n\n'),
      parents: parts.map(({ packet }) => ({ packetId: packet.packetId, op: 'compose', deltaDigest: null })),
      op: 'remix',
    },
    call,
  )
  return { ...created, notes: [...parts.flatMap(({ left }) => left ?? []), ...created.notes] }
}

/** What of a cartridge can be read again, and what cannot. */
async function readPart(context: PacketContext, ref: string) {
  const packetId = await resolvePacketId(context, ref)
  assertAllowed(context, packetId, 'run')
  const packet = await readPacket(context.blobs, packetId)
  const { sources, card, recipe } = await readDocuments(context.blobs, packet)
  const texts = sources.filter(({ turn }) => !turn)
  assertTold(packet.config.origin)
  if (texts.length === 0) {
    throw new StatePackError('E_NOT_SUPPORTED', 'A cartridge without its text cannot be read again.', { packetId })
  }
  const answers = packet.config.segments.filter(({ kind }) => kind === 'generated').length
  const turns = Math.max(sources.length - texts.length, answers)
  const source = { name: texts[0]?.name ?? 'text', text: plainText(null, texts) }
  const left = `Not taken over from “${source.name}”: ${turns === 1 ? 'one turn' : `${turns} turns`} of a conversation.`
  return { packet, card, recipe, source, left: turns === 0 ? null : left }
}
