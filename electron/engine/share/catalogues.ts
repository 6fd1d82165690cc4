/** The catalogues that this library looks into: whose key each has, and which version was seen last. */
import { z } from 'zod'
import { StatePackError } from '#shared/domain/error.ts'
import type { Call } from '../packets/context.ts'
import { readCatalogue } from './catalogueAt.ts'
import { parsePlace, showPlace } from './place.ts'
import type { ShareContext } from './shareContext.ts'
import { SHIPPED, shippedCatalogue } from './shippedCatalogue.ts'
import type { OpenedCatalogue } from './signedCatalogue.ts'

const KEY = 'app.catalogues'
const MOST = 50
const knownSchema = z.array(
  z.object({ place: z.string(), title: z.string(), keyid: z.string(), version: z.number().int() }),
)
export type KnownCatalogue = z.infer<typeof knownSchema>[number]

export function knownCatalogues({ store }: Pick<ShareContext, 'store'>): KnownCatalogue[] {
  return knownSchema.safeParse(store.library.settings.get(KEY)).data ?? []
}

/** Looks into one from now on; its key is trusted to change it, on first use. Throws as {@link catalogueOf}, `E_BAD_INPUT`. */
export async function addCatalogue(context: ShareContext, place: string, call: Call): Promise<KnownCatalogue> {
  const at = showPlace(parsePlace(place, context.hub().endpoint))
  const known = knownCatalogues(context)
  const found = known.find(one => one.place === at)
  if (found !== undefined) return found
  if (known.length >= MOST)
    throw new StatePackError('E_BAD_INPUT', `More than ${MOST} catalogues are not looked into.`, { field: 'place' })
  const { catalogue, keyid } = await readCatalogue(context, { place: at }, call)
  return remember(context, { place: at, title: catalogue.title, keyid, version: catalogue.version })
}

export function removeCatalogue({ store }: Pick<ShareContext, 'store'>, place: string): boolean {
  const known = knownCatalogues({ store })
  const left = known.filter(one => one.place !== place)
  store.library.settings.set(KEY, left)
  return left.length < known.length
}

/**
 * One that is looked into, read anew. Throws `E_NOT_FOUND` for any other, `E_BAD_SIGNATURE` where another key signs it now,
 * `E_CONFLICT` where an older one is served again, and what reading throws.
 */
export async function catalogueOf(context: ShareContext, place: string, call: Call): Promise<OpenedCatalogue> {
  if (place === SHIPPED) return await shippedCatalogue(context)
  const known = knownCatalogues(context).find(one => one.place === place)
  if (known === undefined)
    throw new StatePackError('E_NOT_FOUND', `The catalogue ${place} has not been added here.`, { place })
  const opened = await readCatalogue(context, { place }, call)
  const { title, version } = opened.catalogue
  if (opened.keyid !== known.keyid) {
    const message = `The catalogue ${place} is signed by another key than when it was added. Ask its owner; if that is right, remove it and add it again.`
    throw new StatePackError('E_BAD_SIGNATURE', message, { place, keyid: opened.keyid, expected: known.keyid })
  }
  if (version < known.version) {
    const message = `${place} serves version ${version} of its catalogue, and ${known.version} was seen before.`
    throw new StatePackError('E_CONFLICT', message, { place, version, seen: known.version })
  }
  if (version > known.version || title !== known.title) remember(context, { ...known, title, version })
  return opened
}

function remember({ store }: Pick<ShareContext, 'store'>, one: KnownCatalogue): KnownCatalogue {
  const others = knownCatalogues({ store }).filter(({ place }) => place !== one.place)
  if (!store.readOnly)
    store.library.settings.set(
      KEY,
      [...others, one].toSorted((a, b) => (a.place < b.place ? -1 : 1)),
    )
  return one
}
