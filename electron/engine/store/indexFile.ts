/**
 * `index.json`: names -> manifests, so that OCI tools find what is in the store. Derived from the library, written when it has not
 * changed for a second, every ten seconds where it keeps changing, and on close; losing it loses nothing.
 */
import { canonicalBytes } from '#engine/canonicalJson.ts'
import { CARTRIDGE_ARTIFACT, type Descriptor, OCI_INDEX, OCI_MANIFEST, OCI_REF_NAME } from '#shared/domain/oci.ts'
import { writeDurably } from './durableFile.ts'
import type { Fs } from './fs.ts'
import { storeError, systemCode } from './fsError.ts'
import type { StoreLayout } from './layout.ts'
import type { Library } from './library/library.ts'

const PAUSE_MS = 1000
/** All of it is written anew each time: who asks one thing after the other would meet that every second. */
const LATEST_MS = 10_000

/** The bytes that index.json has for these manifests; they depend on nothing else. */
export function indexBytes(manifests: readonly Descriptor[]): Uint8Array {
  return canonicalBytes({ schemaVersion: 2, mediaType: OCI_INDEX, manifests })
}

export class IndexFile {
  readonly #fs: Fs
  readonly #layout: StoreLayout
  readonly #library: Library
  #timer: NodeJS.Timeout | null = null
  /** When it changed first since it was written, and last; milliseconds. */
  #changed = { first: 0, last: 0 }
  #writing: Promise<void> = Promise.resolve()

  constructor(fs: Fs, layout: StoreLayout, library: Library) {
    this.#fs = fs
    this.#layout = layout
    this.#library = library
  }

  /** Says that the library changed: the file follows when it pauses. */
  touch(): void {
    const now = performance.now()
    if (this.#timer === null) this.#changed.first = now
    this.#changed.last = now
    this.#timer ??= this.#wait(PAUSE_MS)
  }

  #wait(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      const now = performance.now()
      const left = Math.min(this.#changed.last + PAUSE_MS, this.#changed.first + LATEST_MS) - now
      this.#timer = left > 0 ? this.#wait(left) : null
      // Derived and rewritten at the next change, on close and at the next opening: a failure here loses nothing.
      if (this.#timer === null) this.#write().catch(() => {})
    }, ms).unref()
  }

  /** Writes the file now if it does not say what the library says. */
  async flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    await this.#write()
  }

  #write(): Promise<void> {
    const turn = this.#writing.then(async () => {
      const bytes = indexBytes(this.#manifests())
      if (Buffer.compare(await this.#current(), bytes) === 0) return
      try {
        await writeDurably(this.#fs, { path: this.#layout.indexFile, tmp: this.#layout.tmp, bytes })
      } catch (error) {
        throw storeError(error, 'write index.json', 'write')
      }
    })
    this.#writing = turn.catch(() => {})
    return turn
  }

  async #current(): Promise<Uint8Array> {
    try {
      const file = await this.#fs.open(this.#layout.indexFile, 'read')
      try {
        return await file.read(0, await file.size())
      } finally {
        await file.close()
      }
    } catch (error) {
      if (systemCode(error) !== null) return new Uint8Array(0)
      throw error
    }
  }

  /** One entry a name, one for a packet without a name, then the referrers; in the order of digests. */
  #manifests(): Descriptor[] {
    const names = this.#library.packets.names.all()
    const packets = this.#library.packets.all().filter(packet => packet.removedAt === null)
    const entries = packets
      .sort((a, b) => (a.packetId < b.packetId ? -1 : 1))
      .flatMap((packet): Descriptor[] => {
        const entry = {
          mediaType: OCI_MANIFEST,
          digest: packet.packetId,
          size: packet.size,
          artifactType: CARTRIDGE_ARTIFACT,
        }
        const named = (names.get(packet.packetId) ?? []).toSorted().map(name => ({
          ...entry,
          annotations: { [OCI_REF_NAME]: name },
        }))
        return named.length > 0 ? named : [entry]
      })
    const present = new Set(packets.map(packet => packet.packetId))
    const referrers = this.#library.referrers
      .list()
      .filter(({ subject }) => present.has(subject))
      .map(({ digest, size, artifactType }) => ({ mediaType: OCI_MANIFEST, digest, size, artifactType }))
    return [...entries, ...referrers]
  }
}
