/** What can be had: the entries of a catalogue or of the hub, seen from this library. */
import type { CatalogueEntry } from '#shared/domain/catalogue.ts'
import { type Digest, isDigest } from '#shared/domain/digest.ts'
import type { Output } from '#shared/rpc/client.ts'
import type { Call } from '../packets/context.ts'
import { blockedPublishers } from './blockedPublishers.ts'
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
    const found = (await searchHub(context.hub(), query, call)).map(entry => offered(context, ON_HUB, entry))
    const entries = found.filter(({ publisher }) => !blocked.has(publisher.keyid))
    return {
      title: new URL(context.hub().endpoint).host,
      contact: null,
      entries,
      hidden: found.length - entries.length,
    }
  }
  const { catalogue } = await catalogueOf(context, place, call)
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  const shown = catalogue.entries.filter(({ publisher }) => !blocked.has(publisher.keyid))
  return {
    title: catalogue.title,
    contact: catalogue.contact,
    entries: shown.filter(entry => isAbout(entry, words)).map(entry => offered(context, place, entry)),
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

function offered(
  context: ShareContext,
  place: string,
  entry: Omit<Offered, 'link' | 'modelInstalled' | 'here'>,
): Offered {
  const { packets, settings } = context.store.library
  const has = (packetId: Digest) => {
    const row = packets.get(packetId)
    return row !== null && row.removedAt === null
  }
  const taken = settings.get(keyOf(place, entry.name))
  const older = typeof taken === 'string' && isDigest(taken) && taken !== entry.packetId && has(taken) ? taken : null
  return {
    ...entry,
    ...located(place, entry.from),
    modelInstalled: context.models.installed().has(entry.model),
    here: has(entry.packetId)
      ? { packetId: entry.packetId, isOlder: false }
      : older === null
        ? null
        : { packetId: older, isOlder: true },
  }
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
