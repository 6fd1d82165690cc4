import type { Handlers } from '#shared/rpc/contract.ts'
import type { Incoming } from '../registry/incoming.ts'
import { listTags } from '../registry/listTags.ts'
import { pullCartridge } from '../registry/pullCartridge.ts'
import { pushCartridge } from '../registry/pushCartridge.ts'
import { parseReference } from '../registry/reference.ts'
import { openRepository } from '../registry/repository.ts'
import type { EngineState } from './engineState.ts'

export function registryHandlers(
  state: EngineState,
  incoming: Incoming,
): Pick<Handlers, 'registry.push' | 'registry.pull' | 'registry.tags'> {
  return {
    'registry.push': ({ to, ...push }, call) => {
      const place = parseReference(to)
      const tags = place.tag === null && place.digest === null ? ['latest'] : place.tag === null ? [] : [place.tag]
      return pushCartridge(state, { ...push, to: place, tags }, call)
    },
    'registry.pull': ({ from, ...pull }, call) =>
      pullCartridge(state, incoming, { ...pull, from: parseReference(from) }, call),
    'registry.tags': async ({ repository, tokenHosts }, { signal }) => {
      const reference = parseReference(repository)
      return { tags: await listTags(openRepository(reference, { tokenHosts, signal, actions: 'pull' })) }
    },
  }
}
