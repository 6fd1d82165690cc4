/**
 * What the search index knows of a packet. The store does not look inside configs and layers itself: whoever owns the
 * cartridge format describes a packet, at publication and again when the index is rebuilt, from the stored bytes alone,
 * so that a rebuilt index equals the old one.
 */
import type { Digest } from '#shared/domain/digest.ts'
import type { Manifest } from '#shared/domain/oci.ts'

export interface PacketIndexEntry {
  readonly contextId: Digest
  /** With the context_id the key under which a store keeps one packet. */
  readonly dtype: string
  readonly kind: string
  /** A name to show as long as nobody has given one. */
  readonly title: string
  readonly modelName: string
  readonly architecture: string
  readonly weightsDigest: string
  readonly tokens: number
  readonly parents: readonly { readonly packetId: Digest; readonly op: string }[]
  /** Searched text: the card, and the recipe with the names of its sources. */
  readonly card: string
  readonly recipe: string
  /** Digests of texts by which it is found; `whole`: of all that it was made from. */
  readonly texts: readonly { readonly digest: Digest; readonly whole: boolean }[]
  /** Chains of the beginnings of token sequences by which it is found. */
  readonly prefixes: readonly string[]
}

export interface StoredPacket {
  readonly packetId: Digest
  readonly manifest: Manifest
  readonly config: Uint8Array
  /** The bytes of every layer of this media type, in order; verified. */
  readonly readLayers: (mediaType: string) => Promise<Uint8Array[]>
}

/** Must depend on the stored bytes only. What it throws makes the packet unlisted, not the store unusable. */
export type DescribePacket = (packet: StoredPacket) => Promise<PacketIndexEntry>
