import { openAsBlob } from 'node:fs'
import type { CatalogueEntry } from '#shared/domain/catalogue.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { blobsOf } from '#shared/domain/oci.ts'
import type { HubModel } from '../models/hub/hubId.ts'
import { TransferMeter } from '../network/transferMeter.ts'
import type { Call } from '../packets/context.ts'
import type { Shareable } from '../packets/shareable.ts'
import { blobName, cartridgeBlobs, cartridgeIndexBytes, readRoot } from '../store/cartridgeFile/exportCartridge.ts'
import { OCI_LAYOUT_BYTES } from '../store/layout.ts'
import { commitToHub } from './hubCommit.ts'
import { modelCard } from './modelCard.ts'
import type { ShareContext } from './shareContext.ts'

/** How a cartridge was published to the hub. */
export interface PublishedToHub {
  readonly commit: string
  /** Of all that belongs to it, whether it was there or travelled. */
  readonly bytes: number
  /** That travelled. */
  readonly bytesSent: number
  readonly referrers: number
}

/**
 * Puts a cartridge into a repository of the hub, as an OCI layout of files beside a model card. What an earlier cartridge there
 * needed and this one does not is removed. Throws `E_CONFLICT` for a repository that holds something else,
 * `E_UNAUTHORIZED`, `E_FORBIDDEN`, `E_NETWORK`, `E_CORRUPT`, `E_CANCELLED`.
 */
export async function publishToHub(
  context: ShareContext,
  { shared, repo, entry, isPrivate }: { shared: Shareable; repo: HubModel; entry: CatalogueEntry; isPrivate: boolean },
  call: Call,
): Promise<PublishedToHub> {
  const { store } = context
  const packet = await readRoot(store, shared.packet.packetId)
  const referrers = []
  for (const digest of shared.referrers) referrers.push(await readRoot(store, digest))
  const blobs = cartridgeBlobs({ packet, referrers })
  const total = blobs.reduce((sum, { size }) => sum + size, 0)
  const files = [
    { path: 'oci-layout', content: new Blob([new Uint8Array(OCI_LAYOUT_BYTES)]) },
    { path: 'index.json', content: new Blob([new Uint8Array(cartridgeIndexBytes(packet, referrers))]) },
    { path: 'README.md', content: new Blob([modelCard(entry, repo.hubId)]) },
  ]
  for (const blob of blobs) {
    call.signal?.throwIfAborted()
    // What is damaged here is said here, before the first byte leaves.
    await store.blobs.check(blob)
    files.push({ path: blobName(blob.digest), content: await openAsBlob(store.parts.layout.blob(blob.digest)) })
  }
  const meter = new TransferMeter(total, report => call.progress?.(report), 'uploading')
  let moved = 0
  const { commit, bytesSent } = await commitToHub(
    context.hub(),
    {
      ...{ ...repo, files, isPrivate, title: `Publish ${entry.title}` },
      keep: (path, all) => {
        if (!isOurs(all)) throw holdsOther(repo)
        return !path.startsWith('blobs/sha256/')
      },
      moved: done => {
        if (done < moved) meter.found(done - moved)
        else meter.received(done - moved)
        moved = done
      },
    },
    call,
  )
  const bytes = blobsOf(packet.manifest).reduce((sum, { size }) => sum + size, 0)
  return { commit, bytes, bytesSent, referrers: referrers.length }
}

/** New, or a cartridge's: what a person put there for another purpose is left alone. */
function isOurs(all: readonly string[]): boolean {
  return all.includes('oci-layout') || all.every(path => path === '.gitattributes' || path === 'README.md')
}

function holdsOther({ hubId }: HubModel): StatePackError {
  const message = `${hubId} holds something else than a cartridge. Name another repository: it is made when it is not there.`
  return new StatePackError('E_CONFLICT', message, { hubId })
}
