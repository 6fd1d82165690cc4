/** A repository of a registry, as the distribution specification (v1.1) has it: small requests, each with an end. */
import { sha256 } from '#engine/sha256.ts'
import { type Digest, isDigest } from '#shared/domain/digest.ts'
import { type ErrorCode, StatePackError } from '#shared/domain/error.ts'
import { type Descriptor, OCI_INDEX, OCI_MANIFEST } from '#shared/domain/oci.ts'
import { type FetchOptions, PATIENCE, type Patience, patientFetch } from '../network/patientFetch.ts'
import { type Answer, readAnswer } from '../network/readAnswer.ts'
import { MANIFEST_CAP } from '../store/manifests.ts'
import { type RegistryReference, showReference } from './reference.ts'
import { createRegistryFetch, type RegistryAccess } from './registryFetch.ts'

export interface Repository {
  readonly reference: RegistryReference
  /** How requests are made: whose they are, how long they wait. */
  readonly options: FetchOptions
  /** The address of something in the repository: `manifests/latest`. */
  url(path: string): string
}

export interface RepositoryOptions
  extends Pick<FetchOptions, 'signal' | 'onWait'>,
    Pick<RegistryAccess, 'tokenHosts' | 'login' | 'lookup' | 'nearest'> {
  readonly patience?: Partial<Patience> | undefined
  /** What the requests do with it, and repositories of the same registry that they read from. */
  readonly actions: 'pull' | 'pull,push'
  readonly readsFrom?: readonly string[]
}

/** Nothing is asked yet. */
export function openRepository(reference: RegistryReference, options: RepositoryOptions): Repository {
  const { patience, signal, onWait, actions, readsFrom = [], ...access } = options
  const scopes = [
    `repository:${reference.repository}:${actions}`,
    ...readsFrom.map(repository => `repository:${repository}:pull`),
  ]
  return {
    reference,
    options: {
      server: 'The registry',
      fetch: createRegistryFetch({ ...access, reference, scopes }),
      patience: { ...PATIENCE, ...patience },
      ...{ signal, onWait },
    },
    url: path => new URL(`v2/${reference.repository}/${path}`, reference.home).href,
  }
}

export interface FetchedManifest {
  readonly digest: Digest
  readonly bytes: Uint8Array
}

/** The manifest of a tag or digest, its bytes checked against whatever digest is given for them; null when there is none. */
export async function fetchManifest(repository: Repository, name: string): Promise<FetchedManifest | null> {
  const answer = await ask(repository, `manifests/${name}`, { headers: { accept: `${OCI_MANIFEST}, ${OCI_INDEX}` } })
  if (answer.status === 404) return null
  if (answer.status !== 200) throw refusal(repository, answer)
  const digest = sha256(answer.body)
  const promised = isDigest(name) ? name : answer.headers.get('docker-content-digest')
  // Of another algorithm it says nothing that could be compared.
  if (promised !== null && isDigest(promised) && promised !== digest) {
    const message = `${repository.reference.registry} sent another manifest than the one of this digest.`
    throw new StatePackError('E_CORRUPT', message, { expected: promised, found: digest })
  }
  return { digest, bytes: answer.body }
}

/** Puts a manifest under a tag or its digest. Returns what the registry says about it. */
export async function putManifest(
  repository: Repository,
  { name, bytes, mediaType }: { name: string; bytes: Uint8Array; mediaType: string },
): Promise<Headers> {
  const answer = await ask(repository, `manifests/${name}`, {
    method: 'PUT',
    headers: { 'content-type': mediaType, 'content-length': String(bytes.byteLength) },
    body: async function* () {
      yield bytes
    },
  })
  if (answer.status !== 201) throw refusal(repository, answer)
  return answer.headers
}

/** Whether the registry says that it has a blob. */
export async function hasBlob(repository: Repository, { digest, size }: Descriptor): Promise<boolean> {
  const { response, stop } = await patientFetch(repository.url(`blobs/${digest}`), {
    ...repository.options,
    method: 'HEAD',
  })
  stop()
  if (response.status === 404) return false
  if (response.status !== 200) throw refusal(repository, response)
  const length = response.headers.get('content-length')
  return length === null || Number(length) === size
}

/** A small request and its whole answer, whatever its status. */
export async function ask(
  repository: Repository,
  path: string,
  request: Pick<FetchOptions, 'method' | 'headers' | 'body'> = {},
  mostBytes = MANIFEST_CAP,
): Promise<Answer> {
  const url = /^https?:\/\//.test(path) ? path : repository.url(path)
  return await readAnswer(url, { ...repository.options, ...request, mostBytes })
}

const CODES: Readonly<Record<number, ErrorCode>> = {
  400: 'E_NETWORK',
  401: 'E_UNAUTHORIZED',
  403: 'E_FORBIDDEN',
  404: 'E_NOT_FOUND',
  405: 'E_NOT_SUPPORTED',
  413: 'E_TOO_LARGE',
}

/** What a refusal of the registry means to a person. */
export function refusal(
  { reference }: Repository,
  { status, body }: { status: number; body?: unknown },
): StatePackError {
  const { registry, repository } = reference
  const said = body instanceof Uint8Array ? saidCode(body) : null
  const details = { registry, repository, status, said }
  const reasons: Readonly<Record<number, string>> = {
    401: `${registry} does not accept the login for ${repository}. Log in again with docker login ${registry}.`,
    403: `${registry} does not allow this with ${repository}: its owner can give you the right to.`,
    404: `There is no ${showReference(reference)}.`,
    405: `${registry} does not do this.`,
    413: `${registry} takes nothing of this size.`,
  }
  const message = reasons[status] ?? `${registry} answered ${status}${said === null ? '' : ` (${said})`}.`
  return new StatePackError(CODES[status] ?? 'E_NETWORK', message, details)
}

/** The first of the registry's error codes. */
function saidCode(body: Uint8Array): string | null {
  return /"code"\s*:\s*"([A-Z_]{1,40})"/.exec(new TextDecoder().decode(body.subarray(0, 4096)))?.[1] ?? null
}
