import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { REFERRER_CAPS } from '../packets/referrers.ts'
import {
  cartridgeRoot,
  type FetchedRoot,
  fetchBlob,
  isSound,
  LARGEST_REFERRER_MANIFEST,
  type Offer,
  referrerRoot,
} from './offer.ts'
import { type RegistryReference, showReference } from './reference.ts'
import { listReferrers } from './registryReferrers.ts'
import { fetchManifest, openRepository, type Repository, type RepositoryOptions, refusal } from './repository.ts'

/** What a registry has under a reference. Throws `E_NOT_FOUND`, `E_NETWORK`, `E_UNAUTHORIZED`, `E_FORBIDDEN`, `E_BAD_FORMAT`. */
export async function registryOffer(
  from: RegistryReference,
  options: Omit<RepositoryOptions, 'actions'>,
): Promise<Offer> {
  const repository = openRepository(from, { ...options, actions: 'pull' })
  const found = await fetchManifest(repository, from.digest ?? from.tag ?? 'latest')
  if (found === null) throw refusal(repository, { status: 404 })
  const packet = cartridgeRoot(found, showReference(from))
  return {
    packet,
    ...(await fetchReferrers(repository, packet)),
    fetch: (file, path, meter) =>
      fetchBlob(file, {
        ...{ url: repository.url(`blobs/${file.path}`), path, meter, options: repository.options },
        refusal: answer => refusal(repository, answer),
      }),
  }
}

async function fetchReferrers(
  repository: Repository,
  packet: FetchedRoot,
): Promise<{ referrers: readonly FetchedRoot[]; refused: number }> {
  const listed = await listReferrers(repository, { subject: packet.digest, types: Object.keys(REFERRER_CAPS) })
  const roots = new Map<Digest, FetchedRoot>()
  let refused = 0
  for (const { digest, size } of listed) {
    if (roots.has(digest)) continue
    const isTaken = await isSound(async () => {
      if (size > LARGEST_REFERRER_MANIFEST) throw new StatePackError('E_TOO_LARGE', 'A signature is far too large.')
      const found = await fetchManifest(repository, digest)
      if (found === null) throw refusal(repository, { status: 404 })
      roots.set(digest, referrerRoot(found, packet))
    })
    if (!isTaken) refused++
  }
  return { referrers: [...roots.values()].toSorted((a, b) => (a.digest < b.digest ? -1 : 1)), refused }
}
