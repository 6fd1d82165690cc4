/**
 * Publication: blobs -> manifest -> receipt -> name and index, each durable before the next begins. A crash between two
 * steps leaves garbage for gc, never a name without its bytes.
 */

import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { blobsOf, type Descriptor, type Manifest, OCI_MANIFEST } from '#shared/domain/oci.ts'
import type { Trust } from '#shared/domain/trust.ts'
import { describeStored } from './describePackets.ts'
import { inParallel } from './inParallel.ts'
import type { PacketRow } from './library/packetRows.ts'
import type { RetainedRows } from './library/retainedRows.ts'
import { type BuiltManifest, buildManifest, type LayerInput, parseManifest } from './manifests.ts'
import { type NewBlob, newBlob } from './newBlob.ts'
import type { StoreParts } from './storeParts.ts'

/** So many files are looked for at once; more could hold everything else up where the disk is slow. */
const FEW = 64

/** What every publication may say besides its bytes. */
export interface PublishOptions {
  /** Default `own`. */
  readonly trust?: Trust
  readonly names?: readonly string[]
  /** Kept for a time only, unless it is there for another reason, or will be: see {@link RetainedRows}. */
  readonly isRetained?: boolean
  /** The packet that holds this context is known to be damaged: every byte of it is looked at before it stays. */
  readonly checkStanding?: boolean
  /**
   * Signs the operation, after the bytes are durable and before anyone can see the packet. Must be durable when it
   * resolves; when it throws, nothing is published. Called inside {@link StoreParts.lock}: it must not publish itself.
   */
  readonly receipt?: (published: { packetId: Digest; cacheHit: boolean; bytesWritten: number }) => Promise<void>
}

/** What is decided together with a packet that comes from elsewhere: all of it, or none. */
export interface Together {
  /** Manifests of referrers whose blobs are stored already. */
  readonly referrers?: readonly NewBlob[]
  /** Further rows of the same decision (a name, a publisher), written in the transaction that enters the packet. */
  readonly decide?: (packetId: Digest) => void
}

export interface PublishResult {
  readonly packetId: Digest
  readonly contextId: Digest
  /** True when the context was stored already; `packetId` is then the first writer's. */
  readonly cacheHit: boolean
  /** Bytes of blobs and manifest that were not in the store before. */
  readonly bytesWritten: number
}

/** Publishes a packet from its parts: layers as new bytes, or as descriptors of blobs that the store has. */
export async function publishPacket(
  store: StoreParts,
  packet: PublishOptions & { config: NewBlob; layers: readonly LayerInput[] },
): Promise<PublishResult> {
  const { blob, newBlobs } = buildManifest(packet.config, packet.layers)
  return await publishManifest(store, { ...packet, manifest: blob, newBlobs })
}

/** Publishes a packet whose manifest exists already, byte for byte: an import, a pull. Blobs not in `newBlobs` must be stored. */
export async function publishManifest(
  store: StoreParts,
  packet: PublishOptions & Together & { manifest: NewBlob; newBlobs?: BuiltManifest['newBlobs'] },
): Promise<PublishResult> {
  const referrers = packet.referrers ?? []
  const newBlobs = packet.newBlobs ?? []
  const manifestBlob = packet.manifest
  const manifest = parseManifest(manifestBlob.bytes)
  const packetId = manifestBlob.digest
  const blobs = await store.writer.putMany(newBlobs)
  const { bytesWritten: manifestBytes } = await store.writer.putMany([manifestBlob])
  const bytesWritten = blobs.bytesWritten + manifestBytes

  return await store.lock.exclusive(async () => {
    // gc may have run since the blobs were found or written; from here on it waits for the lock.
    await ensureStored(store, manifest, [...newBlobs, manifestBlob])
    for (const referrer of referrers) await ensureStored(store, parseManifest(referrer.bytes), [referrer])
    const described = await describeStored(store.blobs, store.describe, packetId)
    const { contextId, dtype } = described.entry
    const trust = packet.trust ?? 'own'
    const winner =
      trust === 'restricted'
        ? null
        : await standingWinner(store, { contextId, dtype, check: packet.checkStanding ?? false })
    const known = store.library.packets.get(packetId)
    const standing = winner?.packetId ?? (known !== null && known.removedAt === null ? packetId : null)
    const cacheHit = standing !== null
    await packet.receipt?.({ packetId: standing ?? packetId, cacheHit, bytesWritten })
    const entered = store.library.connection
      .transaction(() => {
        const { packets, retained } = store.library
        const size = manifestBlob.size
        const row = packets.enter({
          packetId,
          contextId,
          dtype,
          size,
          trust,
          names: packet.names ?? [],
          at: store.now(),
        })
        for (const referrer of referrers) addReferrer(store, referrer)
        packet.decide?.(row.packetId)
        if (packet.isRetained !== true) retained.release(row.packetId)
        else if (row.entered) retained.add(row.packetId)
        // One that was there before, or had been deleted, is as good as new.
        retained.use(row.packetId, store.now())
        return row
      })
      .immediate()
    if (entered.packetId === packetId) store.index.put([described])
    store.indexFile.touch()
    return { packetId: entered.packetId, contextId, cacheHit, bytesWritten }
  })
}

/** Stores a manifest that speaks about another one (a signature, a trace), with its blobs. Returns its descriptor. */
export async function publishReferrer(
  store: StoreParts,
  referrer: { manifest: Uint8Array; newBlobs?: readonly NewBlob[] },
): Promise<Descriptor> {
  const manifest = parseManifest(referrer.manifest)
  const newBlobs = referrer.newBlobs ?? []
  await store.writer.putMany(newBlobs)
  const manifestBlob = newBlob(OCI_MANIFEST, referrer.manifest)
  const descriptor = await store.writer.put(manifestBlob)
  await store.lock.exclusive(async () => {
    await ensureStored(store, manifest, [...newBlobs, manifestBlob])
    addReferrer(store, manifestBlob)
  })
  store.indexFile.touch()
  return descriptor
}

function addReferrer(store: StoreParts, { bytes, digest, size }: NewBlob): void {
  const { subject, artifactType, config } = parseManifest(bytes)
  if (subject === undefined) throw new StatePackError('E_BAD_FORMAT', 'A referrer must name its subject.')
  const row = { digest, subject: subject.digest, artifactType: artifactType ?? config.mediaType, size }
  store.library.referrers.add(row, store.now())
}

async function ensureStored(store: StoreParts, manifest: Manifest, newBlobs: BuiltManifest['newBlobs']): Promise<void> {
  // What was staged has no other bytes than those that got their name.
  const ours = new Map(newBlobs.filter(blob => 'bytes' in blob).map(blob => [blob.digest, blob]))
  const missing = await missingBlobs(store, manifest)
  const lost = missing.filter(({ digest }) => !ours.has(digest))
  if (lost[0] !== undefined) {
    const { digest, mediaType } = lost[0]
    throw new StatePackError('E_MISSING_BLOB', 'A part of this cartridge is missing from the store.', {
      digest,
      mediaType,
    })
  }
  const again = [...ours].filter(([digest]) => missing.some(blob => blob.digest === digest)).map(([, blob]) => blob)
  const manifestBlob = [...ours.values()].at(-1)
  if (manifestBlob !== undefined && !store.blobs.hasNow(manifestBlob.digest)) again.push(manifestBlob)
  if (again.length > 0) await store.writer.putMany(again)
}

async function missingBlobs(store: StoreParts, manifest: Manifest): Promise<Descriptor[]> {
  const blobs = blobsOf(manifest)
  if (blobs.length <= FEW) return blobs.filter(blob => !store.blobs.hasNow(blob))
  const found = await inParallel(blobs, 16, async blob => ((await store.blobs.has(blob)) ? null : blob))
  return found.filter(blob => blob !== null)
}

/** The packet that holds this context, unless its bytes have gone: then its row goes too, and the newcomer takes its place. */
async function standingWinner(
  store: StoreParts,
  { contextId, dtype, check }: { contextId: Digest; dtype: string; check: boolean },
): Promise<PacketRow | null> {
  const winner = store.library.packets.ofContext(contextId, dtype)
  if (winner === null) return null
  try {
    const manifest = parseManifest(await store.blobs.read(winner.packetId))
    if (check) for (const blob of blobsOf(manifest)) await store.blobs.check(blob)
    if ((await missingBlobs(store, manifest)).length === 0) return winner
  } catch (error) {
    if (
      !(error instanceof StatePackError) ||
      !['E_NOT_FOUND', 'E_MISSING_BLOB', 'E_CORRUPT', 'E_BAD_FORMAT'].includes(error.code)
    )
      throw error
  }
  store.library.packets.forget([winner.packetId])
  store.index.drop([winner.packetId])
  return null
}
