import type { Digest } from '#shared/domain/digest.ts'
import { type Descriptor, OCI_EMPTY, OCI_MANIFEST } from '#shared/domain/oci.ts'
import { canonicalBytes } from '../canonicalJson.ts'
import { newBlob } from '../store/newBlob.ts'
import type { Store } from '../store/openStore.ts'

export const SIGNATURE_TYPE = 'application/vnd.dsse.envelope.v1+json'
export const TRACE_TYPE = 'application/vnd.statepack.logits-trace.v1+json'

/**
 * Stores something that speaks about a cartridge (a signature, a logits trace) as an OCI referrer: a manifest of its own whose
 * subject is the cartridge's manifest. It travels with the cartridge and is collected with it.
 */
export async function attach(
  store: Store,
  { subject, artifactType, bytes }: { subject: Digest; artifactType: string; bytes: Uint8Array },
): Promise<Descriptor> {
  const empty = newBlob(OCI_EMPTY, new TextEncoder().encode('{}'))
  const content = newBlob(artifactType, bytes)
  const subjectSize = (await store.blobs.size(subject)) ?? 0
  const manifest = canonicalBytes({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType,
    config: { mediaType: OCI_EMPTY, digest: empty.digest, size: empty.size },
    layers: [{ mediaType: artifactType, digest: content.digest, size: content.size }],
    subject: { mediaType: OCI_MANIFEST, digest: subject, size: subjectSize },
  })
  return store.publishReferrer({
    manifest,
    newBlobs: [empty, content],
  })
}
