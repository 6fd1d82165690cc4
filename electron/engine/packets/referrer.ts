import type { Digest } from '#shared/domain/digest.ts'
import { type Descriptor, type Manifest, OCI_EMPTY, OCI_MANIFEST } from '#shared/domain/oci.ts'
import { canonicalBytes } from '../canonicalJson.ts'
import { newBlob } from '../store/newBlob.ts'
import type { Store } from '../store/store.ts'

export const SIGNATURE_TYPE = 'application/vnd.dsse.envelope.v1+json'
/** A line of its maker's receipt log, as it stands there. */
export const RECEIPT_TYPE = 'application/vnd.statepack.receipt.v1+json'
export const TRACE_TYPE = 'application/vnd.statepack.logits-trace.v1+json'

const EMPTY = newBlob(OCI_EMPTY, new TextEncoder().encode('{}'))

/**
 * Stores something that speaks about a cartridge (a signature, a receipt, a logits trace) as an OCI referrer: a manifest of
 * its own whose subject is the cartridge's manifest. It travels with the cartridge and is collected with it.
 */
export async function attach(
  store: Store,
  { subject, artifactType, bytes }: { subject: Digest; artifactType: string; bytes: Uint8Array },
): Promise<Descriptor> {
  const content = newBlob(artifactType, bytes)
  const subjectSize = (await store.blobs.size(subject)) ?? 0
  const manifest = canonicalBytes(referrerManifest({ content, subject: { digest: subject, size: subjectSize } }))
  return store.publishReferrer({
    manifest,
    newBlobs: [EMPTY, content],
  })
}

/** The one form of a referrer's manifest: what its content is, and what it is about. */
export function referrerManifest({
  content,
  subject,
}: {
  content: Descriptor
  subject: Pick<Descriptor, 'digest' | 'size'>
}): Manifest {
  const { mediaType, digest, size } = content
  return {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: mediaType,
    config: { mediaType: OCI_EMPTY, digest: EMPTY.digest, size: EMPTY.size },
    layers: [{ mediaType, digest, size }],
    subject: { mediaType: OCI_MANIFEST, digest: subject.digest, size: subject.size },
  }
}
