import type { Digest } from '#shared/domain/digest.ts'
import type { BlobSource } from '../live/unstoredPackets.ts'
import type { PacketContext } from './context.ts'
import { cacheLayers, type Packet, readDocuments, readLogits, readPacket, readTokens } from './packet.ts'

/** What a packet says of itself besides its keys and values or its recurrent state. */
export interface Face {
  readonly packet: Packet
  readonly tokens: Int32Array
  readonly logits: Float32Array | null
  readonly documents: Awaited<ReturnType<typeof readDocuments>>
}

/** From memory, or read and verified now. Throws what reading throws. */
export async function readFace(
  { blobs, faces }: Pick<PacketContext, 'blobs' | 'faces'>,
  packetId: Digest,
): Promise<{ face: Face; bytesRead: number }> {
  const { value, loaded } = await faces.get(packetId, {
    label: packetId,
    bytes: bytesOf,
    // Reading it again runs no model: it is worth keeping while its state is, so as much by the byte.
    cost: face => (face.tokens.length * bytesOf(face)) / Math.max(1, cacheBytes(face.packet)),
    load: async () => faceOf(blobs, await readPacket(blobs, packetId)),
  })
  return { face: value, bytesRead: loaded ? bytesOf(value) : 0 }
}

/** Read and verified, kept nowhere. */
export async function faceOf(blobs: BlobSource, packet: Packet): Promise<Face> {
  const [tokens, logits, documents] = await Promise.all([
    readTokens(blobs, packet),
    readLogits(blobs, packet),
    readDocuments(blobs, packet),
  ])
  return { packet, tokens, logits, documents }
}

function bytesOf({ packet, tokens, logits, documents }: Face): number {
  const texts = documents.sources.reduce((sum, { bytes }) => sum + bytes, documents.card.length)
  return packet.manifest.config.size + tokens.byteLength + (logits?.byteLength ?? 0) + texts
}

function cacheBytes(packet: Packet): number {
  return cacheLayers(packet).reduce((sum, { size }) => sum + size, 0)
}
