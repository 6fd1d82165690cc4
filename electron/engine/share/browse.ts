/** What can be had: the entries of a catalogue or of the hub, seen from this library. */
import type { CatalogueEntry } from '#shared/domain/catalogue.ts'
import { type Digest, isDigest } from '#shared/domain/digest.ts'
import type { Output } from '#shared/rpc/client.ts'
import { blockedPublishers } from '../packets/blockedPublishers.ts'
import type { Call } from '../packets/context.ts'
import { catalogueOf } from './catalogues.ts'
import { parsePlace } from './place.ts'
import { searchHub } from './searchHub.ts'
import type { ShareContext } from './shareContext.ts'
import { SHIPPED } from './shippedCatalogue.ts'

type Offered = Output<'share.browse'>['entries'][number]

/** Where the hub's own search is asked instead of a catalogue. */
export const ON_HUB = 'hub'

/** Throws as `catalogueOf` and `searchHub`. */
export async function browse(
  context: ShareContext,
  { place, query }: { place: string; query: string },
  call: Call,
): Promise<Output<'share.browse'>> {
  const blocked = new Set(blockedPublishers(context).map(({ keyid }) => keyid))
  if (place === ON_HUB) {
    const found = await searchHub(context.hub(), query, call)
    const shown = found.filter(({ publisher }) => !blocked.has(publisher.keyid))
    return {
      title: new URL(context.hub().endpoint).host,
      contact: null,
      entries: await offeredAt(context, ON_HUB, shown),
      hidden: found.length - shown.length,
    }
  }
  const { catalogue } = await catalogueOf(context, place, call)
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  const shown = catalogue.entries.filter(({ publisher }) => !blocked.has(publisher.keyid))
  return {
    title: catalogue.title,
    contact: catalogue.contact,
    entries: await offeredAt(
      context,
      place,
      shown.filter(entry => isAbout(entry, words)),
    ),
    hidden: catalogue.entries.length - shown.length,
  }
}

/** Remembers that an entry was taken, so that a newer one can be seen as its update. */
export function rememberTaken(
  { store }: Pick<ShareContext, 'store'>,
  { catalogue, name, packetId }: { catalogue: string; name: string; packetId: Digest },
): void {
  store.library.settings.set(keyOf(catalogue, name), packetId)
}

function isAbout(
  { name, title, card, model, questions, publisher }: CatalogueEntry,
  words: readonly string[],
): boolean {
  const text = [name, title, card, model.name, publisher.name, ...questions.flatMap(q => [q.question, q.answer])]
    .join('\n')
    .toLowerCase()
  return words.every(word => text.includes(word))
}

async function offeredAt(
  context: ShareContext,
  place: string,
  entries: readonly Omit<Offered, 'link' | 'modelInstalled' | 'here'>[],
): Promise<Offered[]> {
  const installed = context.models.installed()
  return await Promise.all(
    entries.map(async entry => ({
      ...entry,
      ...located(place, entry.from),
      modelInstalled: await installed.has(entry.model),
      here: whatIsHere(context, place, entry),
    })),
  )
}

/** The cartridge of an entry, or an earlier one that was taken by its name. */
function whatIsHere(context: ShareContext, place: string, entry: Pick<Offered, 'name' | 'packetId'>): Offered['here'] {
  const { packets, settings } = context.store.library
  const has = (packetId: Digest) => {
    const row = packets.get(packetId)
    return row !== null && row.removedAt === null
  }
  if (has(entry.packetId)) return { packetId: entry.packetId, isOlder: false }
  const taken = settings.get(keyOf(place, entry.name))
  return typeof taken === 'string' && isDigest(taken) && has(taken) ? { packetId: taken, isOlder: true } : null
}

function keyOf(catalogue: string, name: string): string {
  return `app.taken.${catalogue}#${name}`
}

/** Beside the catalogue it is where the person chose to look; any other address is a stranger's word. */
function located(place: string, from: string): { from: string; link: boolean } {
  if (place === SHIPPED || place === ON_HUB) return { from, link: false }
  const beside = /^\.\/(.+)$/.exec(from)?.[1]
  if (beside === undefined) return { from, link: true }
  const [, folder = ''] = /^(.*\/)[^/]+$/.exec(place) ?? []
  return { from: `${folder}${beside}`, link: false }
}

/** How an entry names a place: relative to its catalogue where both are in one registry, so that the whole can move. */
export function besideCatalogue(context: ShareContext, catalogue: string, from: string): string {
  const { endpoint } = context.hub()
  const [at, place] = [parsePlace(catalogue, endpoint), parsePlace(from, endpoint)]
  if (at.kind !== 'registry' || place.kind !== 'registry' || at.reference.home.href !== place.reference.home.href)
    return from
  const [, folder = ''] = /^(.*\/)[^/]+$/.exec(at.reference.repository) ?? []
  const { repository, digest } = place.reference
  return repository.startsWith(folder) && folder !== '' ? `./${repository.slice(folder.length)}@${digest}` : from
}
