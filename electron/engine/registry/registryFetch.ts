/**
 * Requests to one registry with what it asks for. A login is sent to the registry itself, to the token server that is known
 * to be its own, or to one that a person named; a token server that the registry alone names is asked without any login.
 */
import { z } from 'zod'
import { StatePackError } from '#shared/domain/error.ts'
import type { PatientFetch } from '../network/patientFetch.ts'
import { createSafeFetch, isLoopback, type SafeFetch, type SafeFetchOptions } from '../network/safeFetch.ts'
import { parseChallenges } from './challenges.ts'
import { findLogin, type Login } from './findLogin.ts'
import type { RegistryReference } from './reference.ts'

export interface RegistryAccess extends SafeFetchOptions {
  readonly reference: RegistryReference
  /** What the requests are for, as token servers are asked: `repository:me/notes:pull,push`. */
  readonly scopes: readonly string[]
  /** Hosts that a person trusts with the login of this registry, besides those known to be its own. */
  readonly tokenHosts?: readonly string[] | undefined
  /** Default: what Docker's configuration keeps. */
  readonly login?: (registry: string) => Promise<Login | null>
}

/** Token servers that registries are known to have elsewhere. */
const OWN_TOKEN_SERVER: Readonly<Record<string, string>> = {
  'registry-1.docker.io': 'https://auth.docker.io',
  'registry.gitlab.com': 'https://gitlab.com',
}
const LONGEST_TOKEN = 1024 * 1024
/** How long a token lasts that does not say (distribution specification, token authentication). */
const USUAL_SECONDS = 60
/** Renewed this long before its end, so that it does not end on the way. */
const SPARE_MS = 10_000

const tokenSchema = z.object({
  token: z.string().optional(),
  access_token: z.string().optional(),
  expires_in: z.number().optional(),
})

/** For one request: a token may end while others use it, one that never serves is not asked for for ever. */
const MOST_RENEWALS = 4

interface Authorization {
  readonly header: string
  readonly until: number
}

/** Throws `E_UNAUTHORIZED` where a login is missing or refused, besides what {@link SafeFetch} throws. */
export function createRegistryFetch(access: RegistryAccess): PatientFetch {
  const { reference, lookup, nearest } = access
  const { home } = reference
  const fetch = createSafeFetch(home, { lookup, nearest })
  let current: Promise<Authorization | null> | null = null
  let challenged: string | null = null

  async function authorization(): Promise<Authorization | null> {
    const known = await current
    if (known === null || known.until > Date.now() || challenged === null) return known
    current = authorise(challenged, { ...access, fetch })
    return await current
  }

  return async (url, request = {}) => {
    if (new URL(url).origin !== home.origin) return await fetch(url, request)
    for (let renewals = 0; ; renewals++) {
      const sent = await authorization()
      const response = await fetch(url, { ...request, authorization: sent?.header })
      const asked = response.status === 401 ? response.headers.get('www-authenticate') : null
      if (asked === null || renewals === MOST_RENEWALS) return response
      // Many requests may have been refused at once: the first asks for a token, all of them wait for it.
      if ((await current) === sent) {
        challenged = asked
        current = authorise(asked, { ...access, fetch })
        current.catch(() => {
          current = null
        })
      }
      const renewed = await current
      // The same again would be refused again.
      if (renewed !== null && renewed.header === sent?.header) return response
      await response.body?.cancel()
      if (renewed === null) throw needsLogin(reference)
    }
  }
}

/** What to send for a challenge; null when there is no way to meet it. */
async function authorise(
  header: string,
  { fetch, ...access }: RegistryAccess & { fetch: SafeFetch },
): Promise<Authorization | null> {
  const { reference, login = (name: string) => findLogin(name) } = access
  const challenges = parseChallenges(header)
  const kept = await login(reference.registry)
  // A login in plain text is for everyone on the way: only a registry on this machine gets it without TLS.
  const usable = reference.home.protocol === 'https:' || isLoopback(reference.home) ? kept : null
  const bearer = challenges.find(({ scheme }) => scheme === 'bearer')
  if (bearer !== undefined) return await fetchToken(bearer.parameters, { ...access, fetch, kept: usable })
  const basic = challenges.some(({ scheme }) => scheme === 'basic')
  return basic && usable?.kind === 'password' ? { header: basicHeader(usable), until: Number.POSITIVE_INFINITY } : null
}

async function fetchToken(
  parameters: ReadonlyMap<string, string>,
  { fetch, kept, reference, scopes, tokenHosts = [] }: RegistryAccess & { fetch: SafeFetch; kept: Login | null },
): Promise<Authorization> {
  const { home, registry } = reference
  const named = parameters.get('realm') ?? ''
  if (!URL.canParse(named)) throw new StatePackError('E_NETWORK', `${registry} names no token server.`, { registry })
  const realm = new URL(named)
  const isTrusted =
    realm.origin === home.origin ||
    OWN_TOKEN_SERVER[home.host] === realm.origin ||
    (tokenHosts.includes(realm.host) && (realm.protocol === 'https:' || isLoopback(realm)))
  const login = isTrusted ? kept : null
  const service = parameters.get('service')
  const fields = [...(service === undefined ? [] : [['service', service]]), ...scopes.map(scope => ['scope', scope])]
  const response =
    login?.kind === 'identity'
      ? await fetch(realm, identityRequest(login.token, fields))
      : await fetch(withFields(realm, fields), { authorization: login === null ? undefined : basicHeader(login) })
  if (response.status !== 200) {
    await response.body?.cancel()
    if (kept !== null && !isTrusted) throw strangeRealm(reference, realm)
    throw needsLogin(reference)
  }
  const answer = tokenSchema.safeParse(await smallJson(response))
  const token = answer.data?.token ?? answer.data?.access_token ?? ''
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new StatePackError('E_NETWORK', `The token server of ${registry} gave no token.`, { registry })
  const seconds = answer.data?.expires_in ?? USUAL_SECONDS
  return { header: `Bearer ${token}`, until: Date.now() + Math.max(0, seconds * 1000 - SPARE_MS) }
}

function withFields(realm: URL, fields: readonly (readonly string[])[]): URL {
  const url = new URL(realm)
  for (const [name = '', value = ''] of fields) url.searchParams.append(name, value)
  return url
}

function identityRequest(token: string, fields: readonly (readonly string[])[]) {
  const scope = fields.flatMap(([name, value]) => (name === 'scope' ? [value ?? ''] : [])).join(' ')
  const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'statepack', refresh_token: token, scope })
  for (const [name, value] of fields) if (name === 'service') form.set('service', value ?? '')
  return {
    method: 'POST' as const,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: async function* () {
      yield new TextEncoder().encode(form.toString())
    },
  }
}

function basicHeader({ user, password }: Extract<Login, { kind: 'password' }>): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

async function smallJson(response: Response): Promise<unknown> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > LONGEST_TOKEN)
      throw new StatePackError('E_TOO_LARGE', 'A token server answers with far too much.')
  }
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function needsLogin({ registry, repository }: RegistryReference): StatePackError {
  const message = `${registry} wants a login that may use ${repository}. Log in with docker login ${registry} (or podman, skopeo): it is used here, too.`
  return new StatePackError('E_UNAUTHORIZED', message, { registry, repository })
}

function strangeRealm({ registry, repository }: RegistryReference, realm: URL): StatePackError {
  const message = `${registry} wants its login sent to ${realm.host}, which is not known to be its own, so it was not sent. If it is, name it: --token-host ${realm.host}.`
  return new StatePackError('E_UNAUTHORIZED', message, { registry, repository, tokenHost: realm.host })
}
