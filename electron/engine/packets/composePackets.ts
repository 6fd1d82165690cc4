import { StatePackError } from '#shared/domain/error.ts'
import type { Call, PacketContext } from './context.ts'
import { type Created, createPacket } from './createPacket.ts'
import { assertFits, assertRunnable, loadModelFor } from './openState.ts'
import { readDocuments, readPacket } from './packet.ts'
import { resolvePacketId } from './resolveRef.ts'

/**
 * Reads the texts of several cartridges again, in the given order, into one exact state. Throws `E_NOT_SUPPORTED` for a
 * cartridge that carries no text (a mix, a redacted share), else what creating throws.
 */
export async function composePackets(
  context: PacketContext,
  { refs, name }: { refs: readonly string[]; name?: string | undefined },
  call: Call = {},
): Promise<Created> {
  const parts = await Promise.all(
    refs.map(async ref => {
      const packetId = await resolvePacketId(context, ref)
      assertRunnable(context, packetId)
      const packet = await readPacket(context.blobs, packetId)
      const { sources, card } = await readDocuments(context.blobs, packet)
      if (sources.length === 0) {
        throw new StatePackError('E_NOT_SUPPORTED', 'A cartridge without its text cannot be read again.', {
          packetId: packet.packetId,
        })
      }
      return {
        packet,
        card,
        source: { name: sources[0]?.name ?? 'text', text: sources.map(({ text }) => text).join('') },
      }
    }),
  )
  const [first] = parts
  if (first === undefined) throw new StatePackError('E_BAD_INPUT', 'There is nothing to compose.')
  const loaded = await loadModelFor(context, first.packet, call)
  assertFits(first.packet, loaded)
  return createPacket(
    context,
    {
      model: loaded.entry.id,
      sources: parts.map(({ source }) => source),
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
}
