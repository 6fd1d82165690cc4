import type { Handlers } from '#shared/rpc/contract.ts'
import { admitCartridge } from '../admission/admitCartridge.ts'
import { openSource } from '../admission/cartridgeSource.ts'
import { reviewCartridge } from '../admission/reviewCartridge.ts'
import { tryCartridge } from '../admission/tryCartridge.ts'
import { blockedPublishers, setBlocked } from '../packets/blockedPublishers.ts'
import { exportPacket } from '../packets/exportPacket.ts'
import { givesAway } from '../packets/givesAway.ts'
import { listTags } from '../registry/listTags.ts'
import { parseReference } from '../registry/reference.ts'
import { openRepository } from '../registry/repository.ts'
import { browse, rememberTaken } from '../share/browse.ts'
import { addCatalogue, knownCatalogues, removeCatalogue } from '../share/catalogues.ts'
import { importFrom, reviewFrom, tryFrom } from '../share/fromPlace.ts'
import { publish } from '../share/publish.ts'
import type { ShareContext } from '../share/shareContext.ts'
import { SHIPPED } from '../share/shippedCatalogue.ts'
import type { EngineState } from './engineState.ts'

type Owned =
  | Extract<keyof Handlers, `share.${string}`>
  | 'packets.exportReview'
  | 'packets.export'
  | 'packets.review'
  | 'packets.try'
  | 'packets.import'

/** How cartridges leave and come: as files, by registries, by the hub, by catalogues. */
export function shareHandlers(context: ShareContext & Pick<EngineState, 'emit'>): Pick<Handlers, Owned> {
  /** What is offered here is another list now, in every window. */
  const changed = () => context.emit('settings.changed', {})
  return {
    'packets.exportReview': asked => givesAway(context, asked),
    'packets.export': (leaving, call) => exportPacket(context, leaving, call),
    'packets.review': async ({ from, link, tokenHosts, ...file }, { upload, ...call }) => {
      if (from !== undefined) return await reviewFrom(context, { from, link, tokenHosts }, call)
      return { ...(await reviewCartridge(context, await openSource({ ...file, upload }))), from: null }
    },
    'packets.try': async ({ from, link, tokenHosts, question, ...file }, { upload, ...call }) =>
      from === undefined
        ? tryCartridge(context, { source: await openSource({ ...file, upload }), question }, call)
        : tryFrom(context, { from, link, tokenHosts, question }, call),
    'packets.import': async (
      { from, link, tokenHosts, trust, name, packetId, entry, ...file },
      { upload, ...call },
    ) => {
      const decided = { trust, name, packetId }
      const imported =
        from === undefined
          ? {
              ...(await admitCartridge(context, { source: await openSource({ ...file, upload }), ...decided })),
              ...{ from: null, bytesFetched: 0 },
            }
          : await importFrom(context, { from, link, tokenHosts, ...decided }, call)
      if (entry !== undefined) rememberTaken(context, { ...entry, packetId: imported.cartridge.packetId })
      return imported
    },
    'share.push': ({ ...publication }, call) => publish(context, publication, call),
    'share.tags': async ({ repository, tokenHosts }, { signal }) => {
      const reference = parseReference(repository)
      return { tags: await listTags(openRepository(reference, { tokenHosts, signal, actions: 'pull' })) }
    },
    'share.catalogues': async () => ({
      catalogues: [{ place: SHIPPED, title: 'Came with the app' }, ...knownCatalogues(context)].map(
        ({ place, title }) => ({ place, title }),
      ),
      blocked: blockedPublishers(context),
    }),
    'share.browse': (asked, call) => browse(context, asked, call),
    'share.addCatalogue': async ({ place }, call) => {
      const { place: at, title } = await addCatalogue(context, place, call)
      changed()
      return { place: at, title }
    },
    'share.removeCatalogue': async ({ place }) => {
      const removed = removeCatalogue(context, place)
      if (removed) changed()
      return { removed }
    },
    'share.block': async publisher => {
      setBlocked(context, publisher)
      changed()
      return { blocked: blockedPublishers(context) }
    },
  }
}
