/** Reading and writing the one file that a catalogue is, in a registry or in a repository of the hub. */
import { CATALOGUE_TYPE } from '#shared/domain/catalogue.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { OCI_EMPTY, OCI_MANIFEST } from '#shared/domain/oci.ts'
import { canonicalBytes } from '../canonicalJson.ts'
import type { FetchOptions } from '../network/patientFetch.ts'
import { readAnswer } from '../network/readAnswer.ts'
import type { Call } from '../packets/context.ts'
import type { RegistryReference } from '../registry/reference.ts'
import { ask, fetchManifest, openRepository, putManifest, type Repository, refusal } from '../registry/repository.ts'
import { uploadBlob } from '../registry/uploadBlob.ts'
import { sha256 } from '../sha256.ts'
import { parseManifest } from '../store/manifests.ts'
import { type NewBlob, newBlob } from '../store/newBlob.ts'
import type { Asked } from './fromPlace.ts'
import { commitToHub } from './hubCommit.ts'
import { openHubRepository } from './hubRepository.ts'
import { parsePlace } from './place.ts'
import type { ShareContext } from './shareContext.ts'
import { CATALOGUE_CAP, type OpenedCatalogue, openCatalogue } from './signedCatalogue.ts'

const ON_HUB = 'catalogue.json'

/** Who asks, and how they are known. */
type Access = Pick<Asked, 'tokenHosts' | 'patience'>

/** Throws `E_NOT_FOUND` where there is none, `E_BAD_INPUT`, `E_BAD_SIGNATURE`, `E_BAD_FORMAT`, `E_NETWORK`, what refuses. */
export async function readCatalogue(
  context: ShareContext,
  { place, ...access }: Access & { place: string },
  call: Call,
): Promise<OpenedCatalogue> {
  const at = parsePlace(place, context.hub().endpoint)
  if (at.kind === 'hub') {
    const repository = await openHubRepository(at.repo, context.hub(), call)
    const limits = { ...repository.options, mostBytes: CATALOGUE_CAP }
    const answer = await readAnswer(repository.url(ON_HUB), limits)
    if (answer.status === 404) throw none(place)
    if (answer.status !== 200) throw repository.refusal(answer)
    return await openCatalogue(answer.body)
  }
  if (at.kind !== 'registry') throw notKept(place)
  const repository = open(context, at.reference, { ...access, signal: call.signal, actions: 'pull' })
  const found = await fetchManifest(repository, at.reference.tag ?? 'latest')
  if (found === null) throw none(place)
  const manifest = parseManifest(found.bytes)
  const [layer, ...more] = manifest.layers
  if (manifest.artifactType !== CATALOGUE_TYPE || layer === undefined || more.length > 0)
    throw new StatePackError('E_BAD_FORMAT', `${place} is not a catalogue.`)
  const answer = await ask(repository, `blobs/${layer.digest}`, {}, CATALOGUE_CAP)
  if (answer.status !== 200) throw refusal(repository, answer)
  if (sha256(answer.body) !== layer.digest)
    throw new StatePackError('E_CORRUPT', 'The registry sent another catalogue than the one of this digest.')
  return await openCatalogue(answer.body)
}

/** Puts one there in the place of what was. Throws `E_BAD_INPUT`, `E_NETWORK`, `E_UNAUTHORIZED`, `E_FORBIDDEN`. */
export async function writeCatalogue(
  context: ShareContext,
  { place, bytes, ...access }: Access & { place: string; bytes: Uint8Array },
  call: Call,
): Promise<void> {
  const at = parsePlace(place, context.hub().endpoint)
  if (at.kind === 'hub') {
    const files = [{ path: ON_HUB, content: new Blob([new Uint8Array(bytes)]) }]
    await commitToHub(context.hub(), { ...at.repo, title: 'Update the catalogue', files, keep: () => true }, call)
    return
  }
  if (at.kind !== 'registry') throw notKept(place)
  const repository = open(context, at.reference, { ...access, signal: call.signal, actions: 'pull,push' })
  const content = newBlob(CATALOGUE_TYPE, bytes)
  const config = newBlob(OCI_EMPTY, new TextEncoder().encode('{}'))
  const manifest = canonicalBytes({
    ...{ schemaVersion: 2, mediaType: OCI_MANIFEST, artifactType: CATALOGUE_TYPE },
    config: described(config),
    layers: [described(content)],
  })
  for (const blob of [config, content]) {
    await uploadBlob(repository, blob, {
      ...{ from: null, chunkBytes: CATALOGUE_CAP, resume: { get: () => null, set: () => {} }, moved: () => {} },
      part: async function* (start, end) {
        yield blob.bytes.subarray(start, end)
      },
    })
  }
  await putManifest(repository, { name: at.reference.tag ?? 'latest', bytes: manifest, mediaType: OCI_MANIFEST })
}

function open(
  { lookup }: ShareContext,
  reference: RegistryReference,
  options: Access & Pick<FetchOptions, 'signal'> & { actions: 'pull' | 'pull,push' },
): Repository {
  return openRepository(reference, { ...options, lookup })
}

function described({ mediaType, digest, size }: NewBlob) {
  return { mediaType, digest, size }
}

function none(place: string): StatePackError {
  return new StatePackError('E_NOT_FOUND', `There is no catalogue at ${place}.`, { place })
}

function notKept(place: string): StatePackError {
  const message = `A catalogue is kept in a registry or on the hub, and ${place} is neither.`
  return new StatePackError('E_BAD_INPUT', message, { field: 'place' })
}
