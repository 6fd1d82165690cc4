import { type Digest, isDigest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { isLoopback } from '../network/safeFetch.ts'

/** A repository of an OCI registry, and which manifest in it is meant, if any. */
export interface RegistryReference {
  /** The registry as a person writes it: `ghcr.io`, `localhost:5000`. */
  readonly registry: string
  /** Where it answers. */
  readonly home: URL
  readonly repository: string
  readonly tag: string | null
  readonly digest: Digest | null
}

/** The grammars of the distribution specification. */
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/
const HOST = /^(?:localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(?::\d{1,5})?$/i

/** Docker Hub answers under another name than it is called by. */
const ANSWERS_AT: Readonly<Record<string, string>> = {
  'docker.io': 'registry-1.docker.io',
  'index.docker.io': 'registry-1.docker.io',
}

/**
 * Reads `REGISTRY/REPOSITORY[:TAG][@DIGEST]`. Spoken to in https; in http on this machine, or where it begins with
 * `http://`. Throws `E_BAD_INPUT`.
 */
export function parseReference(text: string): RegistryReference {
  const [, scheme, rest = ''] = /^(?:(https?|docker|oci):\/\/)?(.*)$/.exec(text.trim()) ?? []
  const [named = '', digest, ...more] = rest.split('@')
  const slash = named.indexOf('/')
  const registry = named.slice(0, Math.max(0, slash)).toLowerCase()
  const [repository = '', tag, ...furtherTags] = named.slice(slash + 1).split(':')
  // Without a dot or a port it is a part of a repository of some registry that is not named.
  if (!HOST.test(registry) || !/[.:]|^localhost$/.test(registry)) throw bad(text, 'it must begin with the registry')
  if (more.length > 0 || furtherTags.length > 0) throw bad(text, 'it has one tag and one digest at most')
  if (repository.length > 255 || !REPOSITORY.test(repository))
    throw bad(text, 'a repository is lower-case words, parted by /')
  if (tag !== undefined && !TAG.test(tag)) throw bad(text, 'a tag is up to 128 letters, digits, dots, - and _')
  if (digest !== undefined && !isDigest(digest)) throw bad(text, 'a digest is sha256: and 64 hexadecimal digits')
  const host = ANSWERS_AT[registry] ?? registry
  const address = `https://${host}/`
  if (!URL.canParse(address)) throw bad(text, 'that is no address')
  const plain = scheme === 'http' || (scheme !== 'https' && isLoopback(new URL(address)))
  return {
    registry,
    home: new URL(plain ? `http://${host}/` : address),
    // What Docker Hub publishes itself stands under a name of its own.
    repository: host === 'registry-1.docker.io' && !repository.includes('/') ? `library/${repository}` : repository,
    tag: tag ?? null,
    digest: digest === undefined ? null : digest,
  }
}

/** As people write it, with the digest or the tag. */
export function showReference({ registry, repository, tag, digest }: RegistryReference): string {
  return `${registry}/${repository}${tag === null ? '' : `:${tag}`}${digest === null ? '' : `@${digest}`}`
}

function bad(text: string, why: string): StatePackError {
  return new StatePackError(
    'E_BAD_INPUT',
    `${JSON.stringify(text.slice(0, 100))} is no place in a registry: ${why}. Write it like ghcr.io/you/handbook:latest.`,
    { field: 'reference' },
  )
}
