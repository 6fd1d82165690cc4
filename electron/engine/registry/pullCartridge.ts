import { writeFile } from 'node:fs/promises'
import { sha256 } from '#engine/sha256.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { blobsOf, CARTRIDGE_ARTIFACT, type Descriptor } from '#shared/domain/oci.ts'
import type { Output } from '#shared/rpc/client.ts'
import { admitCartridge } from '../admission/admitCartridge.ts'
import { downloadFile, type WantedFile } from '../network/downloadFile.ts'
import { requireFree } from '../network/requireFree.ts'
import { TransferMeter } from '../network/transferMeter.ts'
import type { Call, PacketContext } from '../packets/context.ts'
import { REFERRER_CAPS } from '../packets/referrers.ts'
import { cartridgeBlobs, cartridgeFile, cartridgeFileSize, type Root } from '../store/cartridgeFile/exportCartridge.ts'
import { inParallel } from '../store/inParallel.ts'
import { parseManifest } from '../store/manifests.ts'
import type { Incoming } from './incoming.ts'
import { LANES, type Transfer } from './pushCartridge.ts'
import { type RegistryReference, showReference } from './reference.ts'
import { listReferrers } from './registryReferrers.ts'
import { ask, type FetchedManifest, fetchManifest, openRepository, type Repository, refusal } from './repository.ts'

/** Bytes of the manifest of a signature or trace: far more than any has. */
const LARGEST_REFERRER_MANIFEST = 64 * 1024
/** Bytes up to which a blob is fetched in one go. */
const SMALL = 16 * 1024
/** Bytes of one cartridge. */
const MOST_BYTES = 64 * 1024 ** 3

/** A manifest with its bytes. */
interface PulledRoot extends Root {
  readonly bytes: Uint8Array
}

/**
 * Takes a cartridge from a registry, with the signatures and traces that are with it. What the store has does not travel;
 * what arrives lies in its folder for blobs on their way until everything has been admitted, as a file that is imported
 * would be, with the same trust. Throws `E_NOT_FOUND`, `E_NETWORK` (what has arrived is gone on from next time),
 * `E_UNAUTHORIZED`, `E_FORBIDDEN`, `E_CORRUPT`, `E_DISK_FULL`, `E_CANCELLED`, and what admission throws.
 */
export async function pullCartridge(
  context: PacketContext,
  incoming: Incoming,
  {
    from,
    name,
    trust,
    ...transfer
  }: Transfer & { from: RegistryReference; name?: string | null | undefined; trust: boolean | 'known' },
  call: Call,
): Promise<Output<'registry.pull'>> {
  const { signal } = call
  let meter: TransferMeter | null = null
  const repository = openRepository(from, {
    ...{ ...transfer, signal, actions: 'pull' },
    onWait: waiting => (meter === null ? call.progress?.({ phase: waiting.why }) : meter.waiting(waiting)),
  })
  call.progress?.({ phase: 'asking the registry' })
  const packet = await fetchPacket(repository)
  const offered = await fetchReferrers(repository, packet.digest)
  return await incoming.during(async () => {
    const here = await intactHere(context, [packet, ...offered.roots])
    const missing = cartridgeBlobs({ packet, referrers: offered.roots }).filter(({ digest }) => !here.has(digest))
    const release = incoming.use(missing.map(({ digest }) => digest))
    let isOver = false
    try {
      const total = missing.reduce((sum, { size }) => sum + size, 0)
      meter = new TransferMeter(total, progress => call.progress?.(progress))
      let arrived = 0
      for (const blob of missing) arrived += await incoming.bytesOf(blob)
      meter.found(arrived)
      // Once where it arrives, once more where it is checked.
      await requireFree(incoming.folder, { needed: 2 * total - arrived, what: 'this cartridge' })
      const fetchBlobs = (root: Root) =>
        fetchMissing(repository, { root, missing, incoming, meter: meter as TransferMeter })
      await fetchBlobs(packet)
      const referrers: PulledRoot[] = []
      for (const root of offered.roots) if (await isSound(() => fetchBlobs(root))) referrers.push(root)
      const manifests = new Map([packet, ...referrers].map(root => [root.digest, root.bytes]))
      const coming = new Set(missing.map(({ digest }) => digest))
      const size = cartridgeFileSize({ packet, referrers })
      const open = (blob: Descriptor): AsyncIterable<Uint8Array> => {
        const manifest = manifests.get(blob.digest)
        if (manifest !== undefined) return once(manifest)
        return coming.has(blob.digest) ? incoming.open(blob.digest) : context.store.blobs.stream(blob)
      }
      const admitted = await admitCartridge(context, {
        source: {
          bytes: size,
          lenient: false,
          chunks: () => checking(cartridgeFile({ packet, referrers, open }), size, call),
        },
        ...{ trust, name },
      })
      isOver = true
      context.store.library.remotes.add(from, packet.digest, Date.now())
      return {
        ...admitted,
        reference: showReference({ ...from, digest: packet.digest }),
        bytesFetched: total,
        bytes: blobsOf(packet.manifest).reduce((sum, blob) => sum + blob.size, 0),
        refusedReferrers: admitted.refusedReferrers + offered.refused + offered.roots.length - referrers.length,
      }
    } catch (error) {
      isOver = isAboutContent(error)
      throw error
    } finally {
      await release(isOver)
    }
  }, call)
}

async function fetchPacket(repository: Repository): Promise<PulledRoot> {
  const { reference } = repository
  const found = await fetchManifest(repository, reference.digest ?? reference.tag ?? 'latest')
  if (found === null) throw refusal(repository, { status: 404 })
  const packet = rootOf(found)
  if (packet.manifest.artifactType !== CARTRIDGE_ARTIFACT)
    throw new StatePackError('E_BAD_FORMAT', `${showReference(reference)} is not a cartridge.`)
  const size = blobsOf(packet.manifest).reduce((sum, blob) => sum + blob.size, 0)
  if (size > MOST_BYTES)
    throw new StatePackError('E_TOO_LARGE', 'The cartridge is larger than is allowed here.', { size, most: MOST_BYTES })
  return packet
}

function rootOf({ digest, bytes }: FetchedManifest): PulledRoot {
  return { digest, size: bytes.byteLength, manifest: parseManifest(bytes), bytes }
}

/** Signatures and traces that are what they are listed as; each of the others is refused alone. */
async function fetchReferrers(
  repository: Repository,
  subject: Digest,
): Promise<{ roots: readonly PulledRoot[]; refused: number }> {
  const listed = await listReferrers(repository, { subject, types: Object.keys(REFERRER_CAPS) })
  const roots = new Map<Digest, PulledRoot>()
  let refused = 0
  for (const { digest, size } of listed) {
    if (roots.has(digest)) continue
    const isTaken = await isSound(async () => {
      if (size > LARGEST_REFERRER_MANIFEST) throw new StatePackError('E_TOO_LARGE', 'A signature is far too large.')
      const found = await fetchManifest(repository, digest)
      if (found === null) throw refusal(repository, { status: 404 })
      const root = rootOf(found)
      const { artifactType = '' } = root.manifest
      const cap = (REFERRER_CAPS as Readonly<Record<string, number>>)[artifactType] ?? 0
      const isTooLarge = root.size > LARGEST_REFERRER_MANIFEST || blobsOf(root.manifest).some(blob => blob.size > cap)
      if (isTooLarge || root.manifest.subject?.digest !== subject)
        throw new StatePackError('E_BAD_FORMAT', 'It is neither a signature nor a trace of this cartridge.', { digest })
      roots.set(digest, root)
    })
    if (!isTaken) refused++
  }
  return { roots: [...roots.values()].toSorted((a, b) => (a.digest < b.digest ? -1 : 1)), refused }
}

/** Digests of the blobs that the store has, every byte of them, and of the manifests, which are in memory. */
async function intactHere({ store }: Pick<PacketContext, 'store'>, roots: readonly PulledRoot[]): Promise<Set<Digest>> {
  const here = new Set(roots.map(({ digest }) => digest))
  const blobs = roots.flatMap(({ manifest }) => blobsOf(manifest))
  await inParallel(blobs, LANES, async blob => {
    if (here.has(blob.digest) || !(await store.blobs.has(blob))) return
    if (await isSound(() => store.blobs.check(blob))) here.add(blob.digest)
  })
  return here
}

async function fetchMissing(
  repository: Repository,
  {
    root,
    missing,
    incoming,
    meter,
  }: { root: Root; missing: readonly Descriptor[]; incoming: Incoming; meter: TransferMeter },
): Promise<void> {
  const needed = new Set(blobsOf(root.manifest).map(({ digest }) => digest))
  const blobs = missing.filter(({ digest }) => needed.has(digest))
  const { signal } = repository.options
  const download = async (file: WantedFile, path: string): Promise<void> => {
    const url = repository.url(`blobs/${file.path}`)
    if (file.size <= SMALL) return await fetchSmall(repository, { file, path, meter })
    const refuse = (status: number) => refusal(repository, { status })
    await downloadFile(file, { ...repository.options, ...{ url, path, meter }, refusal: refuse })
  }
  await inParallel(blobs, LANES, blob => incoming.fetch(blob, download, signal))
}

/** A blob that is not worth going on with: one answer that is right, or is refused. */
async function fetchSmall(
  repository: Repository,
  { file, path, meter }: { file: WantedFile; path: string; meter: TransferMeter },
): Promise<void> {
  const answer = await ask(repository, `blobs/${file.path}`, {}, SMALL + 1)
  if (answer.status !== 200) throw refusal(repository, answer)
  if (sha256(answer.body) !== file.path) {
    const message = `${repository.reference.registry} sent other bytes than the ones of this digest.`
    throw new StatePackError('E_CORRUPT', message, { digest: file.path })
  }
  await writeFile(path, answer.body)
  meter.received(file.size)
}

async function* checking(
  chunks: AsyncIterable<Uint8Array>,
  total: number,
  { signal, progress }: Call,
): AsyncGenerator<Uint8Array> {
  let done = 0
  for await (const chunk of chunks) {
    signal?.throwIfAborted()
    yield chunk
    done += chunk.byteLength
    progress?.({ phase: 'checking', done, total, unit: 'bytes' })
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** False when `work` fails for what something is; throws when it fails for how it could (not) be had now. */
async function isSound(work: () => Promise<void>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (isAboutContent(error)) return false
    throw error
  }
}

const CONTENT: ReadonlySet<string> = new Set([
  ...['E_CORRUPT', 'E_BAD_FORMAT', 'E_TOO_LARGE', 'E_NOT_FOUND', 'E_MISSING_BLOB', 'E_BAD_SIGNATURE'],
  ...['E_UNSUPPORTED_VERSION', 'E_BAD_DIGEST'],
])

function isAboutContent(error: unknown): boolean {
  return error instanceof StatePackError && CONTENT.has(error.code)
}
