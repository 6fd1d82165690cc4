import { hexOf } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { CARTRIDGE_ARTIFACT, type Descriptor } from '#shared/domain/oci.ts'
import { readAnswer } from '../network/readAnswer.ts'
import { cartridgeRoot, type FetchedRoot, fetchBlob, isSound, type Offer, referrerRoot } from '../registry/offer.ts'
import { sha256 } from '../sha256.ts'
import { blobName } from '../store/cartridgeFile/exportCartridge.ts'
import { parseIndex } from '../store/cartridgeFile/readCanonical.ts'
import { MANIFEST_CAP } from '../store/manifests.ts'
import type { HubRepository } from './hubRepository.ts'

const INDEX_CAP = 1 << 20
/** Signatures, receipts and traces that are looked at. */
const MOST_REFERRERS = 256

/**
 * The cartridge of a repository of the hub: an OCI layout as a tree of files, each blob under its digest. Throws
 * `E_NOT_FOUND` where there is none, `E_BAD_FORMAT`, `E_CORRUPT`, `E_NETWORK`, `E_UNAUTHORIZED`, `E_FORBIDDEN`.
 */
export async function hubOffer(repository: HubRepository): Promise<Offer> {
  const { hubId } = repository
  const index = await readAnswer(repository.url('index.json'), { ...repository.options, mostBytes: INDEX_CAP })
  if (index.status === 404)
    throw new StatePackError('E_NOT_FOUND', `${hubId} is on the hub and holds no cartridge.`, { hubId })
  if (index.status !== 200) throw repository.refusal(index)
  const listed = parseIndex(index.body).manifests
  const [first, ...more] = listed.filter(({ artifactType }) => artifactType === CARTRIDGE_ARTIFACT)
  if (first === undefined || more.length > 0)
    throw new StatePackError('E_BAD_FORMAT', `${hubId} does not hold one cartridge.`, { hubId })
  const packet = cartridgeRoot(await fetchRoot(repository, first), `hf://${hubId}`)
  const referrers: FetchedRoot[] = []
  let refused = 0
  for (const entry of listed.filter(entry => entry !== first).slice(0, MOST_REFERRERS)) {
    const isTaken = await isSound(async () => {
      referrers.push(referrerRoot(await fetchRoot(repository, entry), packet))
    })
    if (!isTaken) refused++
  }
  return {
    packet,
    referrers: [...new Map(referrers.map(root => [root.digest, root])).values()].toSorted((a, b) =>
      a.digest < b.digest ? -1 : 1,
    ),
    refused,
    fetch: (file, path, meter) => {
      const [, hex = ''] = file.path.split(':')
      const { options, refusal } = repository
      return fetchBlob(file, { url: repository.url(`blobs/sha256/${hex}`), path, meter, options, refusal })
    },
  }
}

async function fetchRoot(repository: HubRepository, { digest }: Descriptor) {
  const answer = await readAnswer(repository.url(blobName(digest)), { ...repository.options, mostBytes: MANIFEST_CAP })
  if (answer.status === 404)
    throw new StatePackError('E_NOT_FOUND', `${repository.hubId} lacks a part of its cartridge.`, { digest })
  if (answer.status !== 200) throw repository.refusal(answer)
  const found = sha256(answer.body)
  if (found !== digest) {
    const message = 'The hub sent other bytes than the ones of this digest.'
    throw new StatePackError('E_CORRUPT', message, { expected: digest, found, name: hexOf(digest) })
  }
  return { digest, bytes: answer.body }
}
