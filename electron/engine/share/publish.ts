import { entryNameSchema } from '#shared/domain/catalogue.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Output } from '#shared/rpc/client.ts'
import type { Call } from '../packets/context.ts'
import { recordPublished } from '../packets/recordPublished.ts'
import { type Leaving, shareable } from '../packets/shareable.ts'
import { receiptView } from '../receipts/receiptView.ts'
import { pushCartridge } from '../registry/pushCartridge.ts'
import { besideCatalogue } from './browse.ts'
import { readCatalogue, writeCatalogue } from './catalogueAt.ts'
import { entryOf } from './entryOf.ts'
import { parsePlace, showPlace } from './place.ts'
import { publishToHub } from './publishToHub.ts'
import type { ShareContext } from './shareContext.ts'
import { type OpenedCatalogue, signCatalogue } from './signedCatalogue.ts'

export interface Publication extends Leaving {
  readonly ref: string
  /** A place in a registry, or a repository of the hub. */
  readonly to: string
  readonly tokenHosts?: readonly string[] | undefined
  readonly licence: string | null
  readonly isPrivate: boolean
  /** The catalogue that it is entered in, and as what. */
  readonly catalogue?: { readonly place: string; readonly name: string } | undefined
}

/**
 * Puts a cartridge where others can get it, signed, and enters it in a catalogue where one is named. Throws `E_BAD_INPUT`,
 * `E_RESTRICTED`, `E_FORBIDDEN` (also for a catalogue of somebody else), `E_UNAUTHORIZED`, `E_NETWORK`, `E_CANCELLED`.
 */
export async function publish(
  context: ShareContext,
  publication: Publication,
  call: Call,
): Promise<Output<'share.push'>> {
  const { catalogue, tokenHosts } = publication
  // Whose it is is asked before anything leaves.
  const before = catalogue === undefined ? null : await ownCatalogue(context, { ...catalogue, tokenHosts }, call)
  const pushed = await put(context, publication, call)
  if (catalogue === undefined) return pushed
  const { name, place } = catalogue
  const entry = await entryOf(
    context,
    {
      ...{ packetId: pushed.packetId, name, licence: publication.licence, publisher: name.split('/')[0] ?? name },
      from: besideCatalogue(context, place, pushed.reference),
    },
    call,
  )
  const others = before?.catalogue.entries.filter(one => one.name !== name) ?? []
  const bytes = signCatalogue(
    {
      title: before?.catalogue.title ?? place,
      version: (before?.catalogue.version ?? 0) + 1,
      contact: before?.catalogue.contact ?? null,
      entries: [...others, entry].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    },
    context.keys,
  )
  call.progress?.({ phase: 'entering it in the catalogue' })
  await writeCatalogue(context, { place, bytes, tokenHosts }, call)
  return pushed
}

async function put(
  context: ShareContext,
  { to, tokenHosts, licence, isPrivate, ...leaving }: Publication,
  call: Call,
): Promise<Output<'share.push'>> {
  const place = parsePlace(to, context.hub().endpoint)
  if (place.kind === 'registry') {
    const { tag, digest } = place.reference
    const tags = tag === null && digest === null ? ['latest'] : tag === null ? [] : [tag]
    const { lookup } = context
    const { ref, receipt, withhold } = leaving
    const sent = { ref, receipt, withhold, to: place.reference, tags, tokenHosts, lookup }
    const pushed = await pushCartridge(context, sent, call)
    const reference = { ...place.reference, tag: tags[0] ?? null, digest: pushed.packetId }
    return { ...pushed, reference: showPlace({ kind: 'registry', reference }) }
  }
  if (place.kind !== 'hub') {
    const message = `${to} is no place to publish at. Write it like ghcr.io/you/handbook:v1 or hf://you/handbook.`
    throw new StatePackError('E_BAD_INPUT', message, { field: 'to' })
  }
  const started = performance.now()
  const { repo } = place
  const shared = await shareable(context, leaving, call)
  const { packetId } = shared.packet
  const [owner = '', title = ''] = repo.hubId.toLowerCase().split('/')
  const { data: name = 'me/cartridge' } = entryNameSchema.safeParse(`${owner}/${title}`)
  const at = { packetId, name, licence, publisher: owner, from: `hf://${repo.hubId}` }
  const entry = await entryOf(context, at, call)
  const { commit, bytes, bytesSent, referrers } = await publishToHub(context, { shared, repo, entry, isPrivate }, call)
  const receipt = await recordPublished(context, shared.packet, {
    bytes: bytesSent,
    details: { hub: new URL(context.hub().endpoint).host, repository: repo.hubId, revision: commit },
    seconds: (performance.now() - started) / 1000,
  })
  const reference = `hf://${repo.hubId}@${commit}`
  return { packetId, reference, blobs: null, bytesSent, bytes, referrers, receipt: receiptView(receipt) }
}

/** Null where there is none yet. */
async function ownCatalogue(
  context: ShareContext,
  at: { place: string; tokenHosts?: readonly string[] | undefined },
  call: Call,
): Promise<OpenedCatalogue | null> {
  try {
    const found = await readCatalogue(context, at, call)
    if (context.keys.trusted.some(({ keyid }) => keyid === found.keyid)) return found
  } catch (thrown) {
    if (thrown instanceof StatePackError && thrown.code === 'E_NOT_FOUND') return null
    throw thrown
  }
  const message = `The catalogue ${at.place} is signed by somebody else, who alone can change it. Publish without it, or name one of your own.`
  throw new StatePackError('E_FORBIDDEN', message, { place: at.place })
}
