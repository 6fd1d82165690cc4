import { StatePackError } from '#shared/domain/error.ts'
import { addressIn } from '#shared/domain/studioLink.ts'
import { type HubModel, parseHubModel } from '../models/hub/hubId.ts'
import { isLoopback } from '../network/safeFetch.ts'
import { parseReference, type RegistryReference, showReference } from '../registry/reference.ts'

/** Where a cartridge can be had or put. */
export type Place =
  | { readonly kind: 'registry'; readonly reference: RegistryReference }
  /** A repository of the configured hub, at a revision. */
  | { readonly kind: 'hub'; readonly repo: HubModel }
  /** A `.cartridge` file on the internet. */
  | { readonly kind: 'file'; readonly url: URL }
  /** One of those that came with the app. */
  | { readonly kind: 'shipped'; readonly name: string }

/**
 * Reads an address as people paste it: `ghcr.io/you/handbook:v1`, `hf://you/handbook@main`, the page of a repository of the
 * hub, `https://…/x.cartridge`, or a `statepack://` link to any of these. Throws `E_BAD_INPUT`.
 */
export function parsePlace(text: string, hubEndpoint: string): Place {
  const address = addressIn(text.trim()) ?? text.trim()
  const [, shipped] = /^shipped:([a-z0-9-]{1,80})$/.exec(address) ?? []
  if (shipped !== undefined) return { kind: 'shipped', name: shipped }
  const [, onHub] = /^hf:(?:\/\/)?(.*)$/.exec(address) ?? []
  if (onHub !== undefined) {
    const [id = '', ...revision] = onHub.split('@')
    return { kind: 'hub', repo: repository(id, revision.length === 0 ? 'main' : revision.join('@')) }
  }
  if (/^https?:\/\//i.test(address) && URL.canParse(address)) {
    const url = new URL(address)
    if (url.username !== '' || url.password !== '')
      throw new StatePackError('E_BAD_INPUT', 'An address with a password in it is not opened.', { field: 'from' })
    if (/\.cartridge$/i.test(url.pathname)) return file(url)
    if (url.host === new URL(hubEndpoint).host) return page(url)
    if (url.search !== '' || url.hash !== '') return file(url)
  }
  return { kind: 'registry', reference: parseReference(address) }
}

/** As it is written, so that {@link parsePlace} reads it back. */
export function showPlace(place: Place): string {
  if (place.kind === 'registry') return `${schemeOf(place.reference)}${showReference(place.reference)}`
  if (place.kind === 'file') return place.url.href
  if (place.kind === 'shipped') return `shipped:${place.name}`
  const { hubId, revision } = place.repo
  return `hf://${hubId}${revision === 'main' ? '' : `@${revision}`}`
}

/** What has to stand before a registry that is not spoken to as others at its kind of address are. */
function schemeOf({ home }: RegistryReference): string {
  const usual = isLoopback(home) ? 'http:' : 'https:'
  return home.protocol === usual ? '' : `${home.protocol}//`
}

/** `https://hub/you/handbook/tree/main`, as a browser shows it. */
function page({ pathname }: URL): Place {
  const [owner = '', name = '', view, ...rest] = decodeURIComponent(pathname).split('/').filter(Boolean)
  const [revision = 'main'] = view === 'tree' || view === 'blob' || view === 'commit' ? rest : []
  return { kind: 'hub', repo: repository(`${owner}/${name}`, revision) }
}

function repository(id: string, revision: string): HubModel {
  if (!id.includes('/'))
    throw new StatePackError('E_BAD_INPUT', 'A repository of the hub is called owner/name.', { field: 'from' })
  return parseHubModel(id, revision)
}

/** Only what the internet shows to everybody, and nobody on the way can change. */
function file(url: URL): Place {
  if (url.protocol === 'https:') return { kind: 'file', url }
  const message = 'A file is fetched by https only. Download it yourself and import the file.'
  throw new StatePackError('E_BAD_INPUT', message, { field: 'from' })
}
