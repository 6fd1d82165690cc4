import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { blobsOf, type Descriptor, OCI_MANIFEST } from '#shared/domain/oci.ts'
import type { Output } from '#shared/rpc/client.ts'
import { TransferMeter } from '../network/transferMeter.ts'
import type { Call, PacketContext } from '../packets/context.ts'
import { recordPublished } from '../packets/recordPublished.ts'
import { type Leaving, type Shareable, shareable } from '../packets/shareable.ts'
import { receiptView } from '../receipts/receiptView.ts'
import { type Root, readRoot } from '../store/cartridgeFile/exportCartridge.ts'
import { inParallel } from '../store/inParallel.ts'
import { parseManifest, readManifest } from '../store/manifests.ts'
import { type RegistryReference, showReference } from './reference.ts'
import { enterReferrer } from './registryReferrers.ts'
import { fetchManifest, openRepository, putManifest, type Repository, type RepositoryOptions } from './repository.ts'
import { uploadBlob } from './uploadBlob.ts'

export interface Transfer extends Pick<RepositoryOptions, 'patience' | 'tokenHosts' | 'login' | 'lookup' | 'nearest'> {
  /** Bytes after which an upload can go on in another process; default 8 MiB. */
  readonly chunkBytes?: number
}

/** A registry always tells how its blobs came there. */
type Pushed = Output<'share.push'> & { readonly blobs: NonNullable<Output<'share.push'>['blobs']> }

/** Blobs on their way at the same time. */
export const LANES = 4
const CHUNK_BYTES = 8 * 1024 * 1024
/** Cartridges of neighbouring repositories whose blobs are looked for. */
const NEIGHBOURS = 256
/** Cartridges it grew from that are asked for; what is in more distant ones is in these. */
const PARENTS = 4

/**
 * Puts a cartridge into a registry with its signatures, receipts and traces; what is there already does not travel. Under
 * `tags`, or by its digest alone. Cut short, it goes on where it was when it is called again. Throws what {@link shareable} throws,
 * `E_CORRUPT`, `E_NETWORK`, `E_UNAUTHORIZED`, `E_FORBIDDEN`, `E_CANCELLED`.
 */
export async function pushCartridge(
  context: PacketContext,
  {
    ref,
    to,
    tags,
    receipt: sendsReceipt = true,
    withhold = false,
    ...transfer
  }: Transfer & Partial<Leaving> & { ref: string; to: RegistryReference; tags: readonly string[] },
  call: Call,
): Promise<Pushed> {
  const started = performance.now()
  const shared = await shareable(context, { ref, receipt: sendsReceipt, withhold }, call)
  const { packetId } = shared.packet
  const { packet, referrers, blobs } = await everything(context, shared)
  const neighbours = await blobsNearby(context, to)
  const readsFrom = [...new Set(blobs.flatMap(({ digest }) => neighbours.get(digest) ?? []))]
  const total = blobs.reduce((sum, { size }) => sum + size, 0)
  const meter = new TransferMeter(total, progress => call.progress?.(progress), 'uploading')
  const repository = openRepository(to, {
    ...transfer,
    ...{ signal: call.signal, onWait: waiting => meter.waiting(waiting), actions: 'pull,push', readsFrom },
  })
  call.progress?.({ phase: 'asking the registry' })
  const sending = { blobs, repository, neighbours, meter, transfer }
  const manifests = { repository, packet, referrers, tags }
  const standing = await blobsStanding(context, repository, shared.packet)
  let counts = await sendBlobs(context, { ...sending, standing })
  try {
    await sendManifests(context, manifests)
  } catch (error) {
    // What stands there was not asked about blob by blob: the registry may have lost some.
    if (standing.size === 0 || !lacksBlob(error)) throw error
    meter.found(-total)
    counts = await sendBlobs(context, { ...sending, standing: new Set() })
    await sendManifests(context, manifests)
  }
  context.store.library.remotes.add(to, packetId, Date.now())
  const receipt = await recordPublished(context, shared.packet, {
    bytes: counts.bytes,
    details: { registry: to.registry, repository: to.repository, tags: tags.join(' ') },
    seconds: (performance.now() - started) / 1000,
  })
  return {
    packetId,
    reference: showReference({ ...to, tag: tags[0] ?? null, digest: packetId }),
    blobs: { sent: counts.sent, mounted: counts.mounted, there: counts.there },
    bytesSent: counts.bytes,
    bytes: total,
    referrers: referrers.length,
    receipt: receiptView(receipt),
  }
}

/** The manifests that travel, and every blob that they need, each once. */
async function everything(
  { store }: Pick<PacketContext, 'store'>,
  { packet: { packetId }, referrers: digests }: Shareable,
) {
  const packet = await readRoot(store, packetId)
  const referrers: Root[] = []
  for (const digest of digests) referrers.push(await readRoot(store, digest))
  const needed = [packet, ...referrers].flatMap(({ manifest }) => blobsOf(manifest))
  return { packet, referrers, blobs: [...new Map(needed.map(blob => [blob.digest, blob])).values()] }
}

/** Repositories of the same registry that have blobs of ours, as far as they were met here before. */
async function blobsNearby(
  { store }: Pick<PacketContext, 'store'>,
  to: RegistryReference,
): Promise<Map<Digest, string>> {
  const found = new Map<Digest, string>()
  for (const { repository, packetId } of store.library.remotes.beside(to, NEIGHBOURS)) {
    const spoken = store.library.referrers.list({ subject: packetId })
    for (const root of [packetId, ...spoken.map(({ digest }) => digest)]) {
      // One that is damaged or gone helps nobody, and harms nothing. A blob that is not there after all is sent.
      const manifest = await readManifest(store.blobs, root).catch(() => null)
      for (const { digest } of manifest === null ? [] : blobsOf(manifest)) {
        if (!found.has(digest)) found.set(digest, repository)
      }
    }
  }
  return found
}

/**
 * Blobs of cartridges that stand in the repository: of this one, and of those it grew from. A registry keeps what its
 * manifests need, so one question answers for all of them.
 */
async function blobsStanding(
  { store }: Pick<PacketContext, 'store'>,
  repository: Repository,
  { packetId, config }: Shareable['packet'],
): Promise<ReadonlySet<Digest>> {
  const found = new Set<Digest>()
  const related = [packetId, ...config.parents.slice(-PARENTS).map(parent => parent.packetId)]
  for (const digest of related) {
    if (!store.library.remotes.has(repository.reference, digest)) continue
    const fetched = await fetchManifest(repository, digest)
    if (fetched !== null) for (const blob of blobsOf(parseManifest(fetched.bytes))) found.add(blob.digest)
  }
  return found
}

function lacksBlob(error: unknown): boolean {
  return error instanceof StatePackError && /BLOB_UNKNOWN/.test(String(error.details.said))
}

async function sendBlobs(
  context: Pick<PacketContext, 'store'>,
  {
    blobs,
    standing,
    neighbours,
    ...sending
  }: {
    blobs: readonly Descriptor[]
    standing: ReadonlySet<Digest>
    neighbours: ReadonlyMap<Digest, string>
    repository: Repository
    meter: TransferMeter
    transfer: Transfer
  },
) {
  const counts = { there: 0, mounted: 0, sent: 0, bytes: 0 }
  await inParallel(blobs, LANES, async blob => {
    const from = neighbours.get(blob.digest) ?? null
    const how = standing.has(blob.digest) ? 'there' : await sendBlob(context, { ...sending, blob, from })
    counts[how]++
    if (how === 'sent') counts.bytes += blob.size
    else sending.meter.found(blob.size)
  })
  return counts
}

async function sendBlob(
  { store }: Pick<PacketContext, 'store'>,
  {
    blob,
    repository,
    from,
    meter,
    transfer,
  }: { blob: Descriptor; repository: Repository; from: string | null; meter: TransferMeter; transfer: Transfer },
): Promise<'there' | 'mounted' | 'sent'> {
  const { remotes } = store.library
  const to = repository.reference
  let checked: Promise<void> | undefined
  return await uploadBlob(repository, blob, {
    from,
    chunkBytes: transfer.chunkBytes ?? CHUNK_BYTES,
    part: async function* (start, end) {
      // Once, before the first byte leaves: what is damaged here is said here.
      checked ??= store.blobs.check(blob)
      await checked
      yield* store.blobs.part(blob, { start, end })
    },
    resume: {
      get: () => remotes.upload(to, blob.digest),
      set: location => remotes.setUpload(to, blob.digest, location),
    },
    moved: bytes => (bytes < 0 ? meter.found(bytes) : meter.received(bytes)),
  })
}

/** A tag comes last: whoever finds it finds everything. */
async function sendManifests(
  { store }: Pick<PacketContext, 'store'>,
  {
    repository,
    packet,
    referrers,
    tags,
  }: { repository: Repository; packet: Root; referrers: readonly Root[]; tags: readonly string[] },
): Promise<void> {
  const mediaType = OCI_MANIFEST
  const bytes = await store.blobs.read(packet.digest)
  await putManifest(repository, { name: packet.digest, bytes, mediaType })
  for (const { digest, size, manifest } of referrers) {
    const headers = await putManifest(repository, { name: digest, bytes: await store.blobs.read(digest), mediaType })
    const { artifactType } = manifest
    const referrer = { mediaType, digest, size, ...(artifactType === undefined ? {} : { artifactType }) }
    await enterReferrer(repository, { subject: packet.digest, referrer, headers })
  }
  for (const name of tags) await putManifest(repository, { name, bytes, mediaType })
}
