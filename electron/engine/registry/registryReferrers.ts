/** What speaks about a cartridge (signatures, receipts, traces), in a registry: by its referrers API, or by a tag where it has none. */
import type { Digest } from '#shared/domain/digest.ts'
import { hexOf } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { type Descriptor, OCI_INDEX, type OciIndex } from '#shared/domain/oci.ts'
import { canonicalBytes } from '../canonicalJson.ts'
import { parseIndex } from '../store/cartridgeFile/readCanonical.ts'
import { ask, fetchManifest, putManifest, type Repository, refusal } from './repository.ts'

/** Referrers that are looked at; the rest is not asked for. */
const MOST = 256

/** The tag under which registries without the API list referrers (distribution specification, "Referrers tag schema"). */
function referrersTag(subject: Digest): string {
  return `sha256-${hexOf(subject)}`
}

/** Descriptors of what refers to a manifest, of these artifact types. What the registry lists is not checked yet. */
export async function listReferrers(
  repository: Repository,
  { subject, types }: { subject: Digest; types: readonly string[] },
): Promise<Descriptor[]> {
  const listed = (await fromApi(repository, subject)) ?? (await fromTag(repository, subject))?.index.manifests ?? []
  const wanted = listed.filter(({ artifactType }) => artifactType === undefined || types.includes(artifactType))
  return wanted.slice(0, MOST)
}

/** Enters a referrer that has been pushed in the list of the tag, unless the registry keeps such lists itself. */
export async function enterReferrer(
  repository: Repository,
  { subject, referrer, headers }: { subject: Digest; referrer: Descriptor; headers: Headers },
): Promise<void> {
  if (headers.get('oci-subject') === subject) return
  const found = await fromTag(repository, subject)
  const index: OciIndex = found?.index ?? { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] }
  if (index.manifests.some(({ digest }) => digest === referrer.digest)) return
  const bytes = canonicalBytes({ ...index, mediaType: OCI_INDEX, manifests: [...index.manifests, referrer] })
  await putManifest(repository, { name: referrersTag(subject), bytes, mediaType: OCI_INDEX })
}

/** Null where the registry has no such API. */
async function fromApi(repository: Repository, subject: Digest): Promise<readonly Descriptor[] | null> {
  const answer = await ask(repository, `referrers/${subject}`, { headers: { accept: OCI_INDEX } })
  // What registries answer that do not know the path.
  if ([400, 404, 405, 501].includes(answer.status)) return null
  if (answer.status !== 200) throw refusal(repository, answer)
  return indexOf(answer.body)?.manifests ?? null
}

async function fromTag(repository: Repository, subject: Digest): Promise<{ index: OciIndex } | null> {
  const found = await fetchManifest(repository, referrersTag(subject))
  const index = found === null ? null : indexOf(found.bytes)
  return index === null ? null : { index }
}

/** Null for what is no index: then it lists nothing that could be used. */
function indexOf(bytes: Uint8Array): OciIndex | null {
  try {
    return parseIndex(bytes)
  } catch (error) {
    if (error instanceof StatePackError && error.code === 'E_BAD_FORMAT') return null
    throw error
  }
}
