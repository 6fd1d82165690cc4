import type { Digest } from '#shared/domain/digest.ts'
import { blobsOf, type Descriptor } from '#shared/domain/oci.ts'
import type { CartridgeSource } from '../admission/cartridgeSource.ts'
import { requireFree } from '../network/requireFree.ts'
import { TransferMeter } from '../network/transferMeter.ts'
import type { Call, PacketContext } from '../packets/context.ts'
import { cartridgeBlobs, cartridgeFile, cartridgeFileSize, type Root } from '../store/cartridgeFile/exportCartridge.ts'
import { inParallel } from '../store/inParallel.ts'
import type { Incoming } from './incoming.ts'
import { type FetchedRoot, isAboutContent, isSound, type Offer, type OpenOffer } from './offer.ts'
import { LANES } from './pushCartridge.ts'

/** How a cartridge that a server has was taken. */
export interface TakenOffer<T> {
  readonly result: T
  readonly packetId: Digest
  readonly bytes: number
  readonly bytesFetched: number
  /** Signatures, receipts and traces that were left out. */
  readonly refused: number
}

/**
 * Fetches what the store lacks of a cartridge and hands the whole to `use`, as the canonical file that it is: reviewing and
 * importing know of no other form. What arrives lies in its folder for blobs on their way; it stays there where `keep` says
 * that it will be used again, or where the transfer broke off. Throws what opening, fetching and `use` throw, `E_DISK_FULL`.
 */
export async function takeOffer<T>(
  context: PacketContext,
  incoming: Incoming,
  { open, keep, use }: { open: OpenOffer; keep: boolean; use: (source: CartridgeSource) => Promise<T> },
  call: Call,
): Promise<TakenOffer<T>> {
  const { signal } = call
  const meters: TransferMeter[] = []
  call.progress?.({ phase: 'asking where it is offered' })
  const offer = await open(waiting => {
    const [meter] = meters
    if (meter === undefined) call.progress?.({ phase: waiting.why })
    else meter.waiting(waiting)
  })
  const { packet } = offer
  return await incoming.during(async () => {
    const here = await intactHere(context, [packet, ...offer.referrers])
    const missing = cartridgeBlobs(offer).filter(({ digest }) => !here.has(digest))
    const release = incoming.use(missing.map(({ digest }) => digest))
    let isOver = false
    try {
      const total = missing.reduce((sum, { size }) => sum + size, 0)
      const meter = new TransferMeter(total, progress => call.progress?.(progress))
      meters.push(meter)
      let arrived = 0
      for (const blob of missing) arrived += await incoming.bytesOf(blob)
      meter.found(arrived)
      // Once where it arrives, once more where it is checked.
      await requireFree(incoming.folder, { needed: 2 * total - arrived, what: 'this cartridge' })
      const fetchBlobs = (root: Root) => fetchMissing(offer, { root, missing, incoming, meter, signal })
      await fetchBlobs(packet)
      const referrers: FetchedRoot[] = []
      for (const root of offer.referrers) if (await isSound(() => fetchBlobs(root))) referrers.push(root)
      const manifests = new Map([packet, ...referrers].map(root => [root.digest, root.bytes]))
      const coming = new Set(missing.map(({ digest }) => digest))
      const size = cartridgeFileSize({ packet, referrers })
      const openBlob = (blob: Descriptor): AsyncIterable<Uint8Array> => {
        const manifest = manifests.get(blob.digest)
        if (manifest !== undefined) return once(manifest)
        return coming.has(blob.digest) ? incoming.open(blob.digest) : context.store.blobs.stream(blob)
      }
      const result = await use({
        bytes: size,
        lenient: false,
        chunks: () => checking(cartridgeFile({ packet, referrers, open: openBlob }), size, call),
      })
      isOver = !keep
      return {
        ...{ result, packetId: packet.digest, bytesFetched: total },
        bytes: blobsOf(packet.manifest).reduce((sum, blob) => sum + blob.size, 0),
        refused: offer.refused + offer.referrers.length - referrers.length,
      }
    } catch (error) {
      isOver = isAboutContent(error)
      throw error
    } finally {
      await release(isOver)
    }
  }, call)
}

/** Digests of the blobs that the store has, every byte of them, and of the manifests, which are in memory. */
async function intactHere(
  { store }: Pick<PacketContext, 'store'>,
  roots: readonly FetchedRoot[],
): Promise<Set<Digest>> {
  const here = new Set(roots.map(({ digest }) => digest))
  const blobs = roots.flatMap(({ manifest }) => blobsOf(manifest))
  await inParallel(blobs, LANES, async blob => {
    if (here.has(blob.digest) || !(await store.blobs.has(blob))) return
    if (await isSound(() => store.blobs.check(blob))) here.add(blob.digest)
  })
  return here
}

async function fetchMissing(
  offer: Offer,
  {
    root,
    missing,
    incoming,
    meter,
    signal,
  }: {
    root: Root
    missing: readonly Descriptor[]
    incoming: Incoming
    meter: TransferMeter
    signal: AbortSignal | undefined
  },
): Promise<void> {
  const needed = new Set(blobsOf(root.manifest).map(({ digest }) => digest))
  const blobs = missing.filter(({ digest }) => needed.has(digest))
  await inParallel(blobs, LANES, blob => incoming.fetch(blob, (file, path) => offer.fetch(file, path, meter), signal))
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
