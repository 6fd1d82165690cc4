import type { Digest } from '#shared/domain/digest.ts'

interface Needing {
  readonly contextId: Digest
  readonly digests: readonly Digest[]
}

/** Which packets there are that nobody stored, and which blobs each of them needs. */
export class PacketNeeds {
  /** By packet_id and by context_id. */
  readonly #packets = new Map<Digest, Digest>()
  /** What each packet needs, least recently used first. */
  readonly #needing = new Map<Digest, Needing>()
  /** The packets that need a blob. */
  readonly #needers = new Map<Digest, Set<Digest>>()

  get packets(): number {
    return this.#needing.size
  }

  add(packetId: Digest, { contextId, digests }: Needing): void {
    this.#packets.set(contextId, packetId)
    this.#packets.set(packetId, packetId)
    if (this.#needing.has(packetId)) return
    const distinct = [...new Set(digests)]
    this.#needing.set(packetId, { contextId, digests: distinct })
    for (const digest of distinct) {
      const needers = this.#needers.get(digest)
      if (needers === undefined) this.#needers.set(digest, new Set([packetId]))
      else needers.add(packetId)
    }
  }

  /** The packet that a packet_id or context_id names; null when none of these is it. */
  packetOf(digest: Digest): Digest | null {
    return this.#packets.get(digest) ?? null
  }

  /** It is the most recently used now. */
  touch(packetId: Digest): void {
    const needing = this.#needing.get(packetId)
    if (needing === undefined) return
    this.#needing.delete(packetId)
    this.#needing.set(packetId, needing)
  }

  /** Packets, least recently used first. */
  oldestFirst(): Iterable<Digest> {
    return this.#needing.keys()
  }

  digestsOf(packetId: Digest): readonly Digest[] {
    return this.#needing.get(packetId)?.digests ?? []
  }

  needersOf(digest: Digest): readonly Digest[] {
    return [...(this.#needers.get(digest) ?? [])]
  }

  /** Every blob that some packet needs. */
  digests(): ReadonlySet<Digest> {
    return new Set(this.#needers.keys())
  }

  /** Takes a packet out; returns the blobs that no other one needs. */
  remove(packetId: Digest): readonly Digest[] {
    const needing = this.#needing.get(packetId)
    if (needing === undefined) return []
    this.#needing.delete(packetId)
    this.#packets.delete(packetId)
    if (this.#packets.get(needing.contextId) === packetId) this.#packets.delete(needing.contextId)
    return needing.digests.filter(digest => {
      const needers = this.#needers.get(digest)
      needers?.delete(packetId)
      if (needers !== undefined && needers.size > 0) return false
      this.#needers.delete(digest)
      return true
    })
  }
}
