/**
 * Publication: blobs -> manifest -> receipt -> name and index, each durable before the next begins. A crash between two
 * steps leaves garbage for gc, never a name without its bytes.
 */

import { AsyncLocalStorage } from 'node:async_hooks'
import Database from 'better-sqlite3'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { blobsOf, type Descriptor, type Manifest, OCI_MANIFEST } from '#shared/domain/oci.ts'
import type { Trust } from '#shared/domain/trust.ts'
import type { BlobReader } from './blobReader.ts'
import { type DescribedPacket, describeManifest } from './describePackets.ts'
import type { Outcome } from './entrance.ts'
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
   * resolves; when it throws, nothing is published. Called inside {@link StoreParts.lock}, beside those of others who publish at
   * the same time: it must not publish itself.
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
  const { blob, manifest, newBlobs } = buildManifest(packet.config, packet.layers)
  return await publishParsed(store, { ...packet, manifest, manifestBlob: blob, newBlobs })
}

/** Publishes a packet whose manifest exists already, byte for byte: an import, a pull. Blobs not in `newBlobs` must be stored. */
export async function publishManifest(
  store: StoreParts,
  packet: PublishOptions & Together & { manifest: NewBlob; newBlobs?: BuiltManifest['newBlobs'] },
): Promise<PublishResult> {
  const { manifest: manifestBlob, newBlobs = [] } = packet
  return await publishParsed(store, { ...packet, manifest: parseManifest(manifestBlob.bytes), manifestBlob, newBlobs })
}

async function publishParsed(store: StoreParts, packet: Omit<Arrival, 'bytesWritten'>): Promise<PublishResult> {
  const { newBlobs, manifestBlob } = packet
  const blobs = await store.writer.putMany(newBlobs)
  const { bytesWritten: manifestBytes } = await store.writer.putMany([manifestBlob])
  const bytesWritten = blobs.bytesWritten + manifestBytes

  // Whoever signs does so in the context of its own operation, whoever else's turn it is.
  const receipt = packet.receipt && AsyncLocalStorage.bind(packet.receipt)
  return await store.entrance.enter({ ...packet, receipt, bytesWritten })
}

/** A packet whose bytes are durable, on its way into the library. */
export interface Arrival extends PublishOptions, Together {
  readonly manifest: Manifest
  readonly manifestBlob: NewBlob
  readonly newBlobs: BuiltManifest['newBlobs']
  readonly bytesWritten: number
}

interface Identified {
  readonly arrival: Arrival
  readonly described: DescribedPacket
}

interface Signed extends Identified {
  readonly cacheHit: boolean
}

/**
 * Enters packets that came together, under the lock: their receipts with one flush, then their rows with one. Each is refused by
 * itself; of several with the same context one enters, the others come again when it has.
 */
export async function enterTogether(
  store: StoreParts,
  arrivals: readonly Arrival[],
): Promise<readonly Outcome<PublishResult>[]> {
  const outcomes = new Map<Arrival, Outcome<PublishResult>>()
  /** The results of those for which it does not fail. */
  async function forEach<T extends { readonly arrival: Arrival }, R>(
    items: readonly T[],
    work: (item: T) => Promise<R>,
  ) {
    const fail = (item: T) => (failed: unknown) => {
      outcomes.set(item.arrival, { failed })
      return []
    }
    return (await Promise.all(items.map(item => work(item).then(result => [result], fail(item))))).flat()
  }

  const identified = await forEach(
    arrivals.map(arrival => ({ arrival })),
    ({ arrival }) => identify(store, arrival),
  )
  const names = new Set<string>()
  const first = identified.filter(({ arrival, described: { packetId, entry } }) => {
    const own = [packetId, `${entry.contextId} ${entry.dtype}`]
    const isFirst = own.every(name => !names.has(name))
    for (const name of own) names.add(name)
    if (!isFirst) outcomes.set(arrival, 'again')
    return isFirst
  })
  const standing = await forEach(first, async packet => ({ ...packet, standing: await standingPacket(store, packet) }))
  // All of them ask within one turn of the event loop, so the log flushes once.
  const signed = await forEach(standing, async ({ arrival, described, standing }): Promise<Signed> => {
    const cacheHit = standing !== null
    const { bytesWritten } = arrival
    await arrival.receipt?.({ packetId: standing ?? described.packetId, cacheHit, bytesWritten })
    return { arrival, described, cacheHit }
  })
  const entered = enterRows(store, signed)
  for (const [index, { arrival }] of signed.entries()) outcomes.set(arrival, entered[index] as Outcome<PublishResult>)
  const isNew = (packet: DescribedPacket, outcome: Outcome<PublishResult> | undefined) =>
    typeof outcome === 'object' && 'done' in outcome && outcome.done.packetId === packet.packetId
  const added = signed.flatMap(({ described }, index) => (isNew(described, entered[index]) ? [described] : []))
  try {
    store.index.put(added)
  } catch (error) {
    // Their rows are durable, so they are published; whoever asks the index next enters what it lacks, or hears why not.
    if (!(error instanceof Database.SqliteError)) throw error
  }
  store.indexFile.touch()
  return arrivals.map(arrival => outcomes.get(arrival) as Outcome<PublishResult>)
}

/** The rows of all of them, durable with one flush; whatever refuses one takes back its own and no others. */
function enterRows(store: StoreParts, signed: readonly Signed[]): Outcome<PublishResult>[] {
  const { connection } = store.library
  const enterOne = connection.transaction((packet: Signed) => enter(store, packet))
  const enterAll = connection.transaction(() =>
    signed.map((packet): Outcome<PublishResult> => {
      try {
        return { done: enterOne(packet) }
      } catch (failed) {
        // A disk that is full ends the transaction of all.
        if (!connection.inTransaction) throw failed
        return { failed }
      }
    }),
  )
  try {
    return enterAll.immediate()
  } catch (failed) {
    return signed.map(() => ({ failed }))
  }
}

/** Makes sure that all its bytes are there, and reads of them what it is. */
async function identify(store: StoreParts, arrival: Arrival): Promise<Identified> {
  const { manifest, manifestBlob, newBlobs, referrers = [] } = arrival
  // gc may have run since the blobs were found or written; from here on it waits for the lock.
  await ensureStored(store, manifest, [...newBlobs, manifestBlob])
  for (const referrer of referrers) await ensureStored(store, parseManifest(referrer.bytes), [referrer])
  const { digest: packetId } = manifestBlob
  const described = await describeManifest(withAtHand(store, newBlobs), store.describe, { packetId, manifest })
  return { arrival, described }
}

/** Reads blobs, those of which the bytes are at hand from there: their digests were taken from them, and they are stored. */
function withAtHand({ blobs }: StoreParts, newBlobs: BuiltManifest['newBlobs']): Pick<BlobReader, 'read'> {
  const atHand = new Map(newBlobs.map(blob => [blob.digest, 'bytes' in blob ? blob.bytes : undefined]))
  return {
    read: async (ref, options = {}) => {
      const [digest, size] = typeof ref === 'string' ? [ref] : [ref.digest, ref.size]
      const bytes = atHand.get(digest)
      if (bytes === undefined) return blobs.read(ref, options)
      // What is wrong with it, reading says.
      const isAsked = bytes.byteLength === (size ?? bytes.byteLength)
      return isAsked && bytes.byteLength <= (options.maxBytes ?? bytes.byteLength) ? bytes : blobs.read(ref, options)
    },
  }
}

/** The packet that this one would be another of; null where it is the first. */
async function standingPacket(
  store: StoreParts,
  { arrival, described: { packetId, entry } }: Identified,
): Promise<Digest | null> {
  const { trust = 'own', checkStanding: check = false } = arrival
  const { contextId, dtype } = entry
  const winner = trust === 'restricted' ? null : await standingWinner(store, { contextId, dtype, check })
  if (winner !== null) return winner.packetId
  const known = store.library.packets.get(packetId)
  return known !== null && known.removedAt === null ? packetId : null
}

/** Its rows. */
function enter(store: StoreParts, { arrival, described, cacheHit }: Signed): PublishResult {
  const { packets, retained } = store.library
  const { manifestBlob, bytesWritten, trust = 'own', names = [], referrers = [], isRetained = false } = arrival
  const { packetId, entry } = described
  const { contextId, dtype } = entry
  const { size } = manifestBlob
  const row = packets.enter({ packetId, contextId, dtype, size, trust, names, at: store.now() })
  for (const referrer of referrers) addReferrer(store, referrer)
  arrival.decide?.(row.packetId)
  if (!isRetained) retained.release(row.packetId)
  else if (row.entered) retained.add(row.packetId)
  // One that was there before, or had been deleted, is as good as new.
  retained.use(row.packetId, store.now())
  return { packetId: row.packetId, contextId, cacheHit, bytesWritten }
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
