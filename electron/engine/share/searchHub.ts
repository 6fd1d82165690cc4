import { type CatalogueEntry, catalogueEntrySchema } from '#shared/domain/catalogue.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { createHubFetch } from '../models/hub/hubFetch.ts'
import { statusError } from '../models/hub/repoFiles.ts'
import { PATIENCE } from '../network/patientFetch.ts'
import { readAnswer } from '../network/readAnswer.ts'
import type { Call } from '../packets/context.ts'
import type { Hub } from './hubRepository.ts'
import { HUB_LIBRARY } from './modelCard.ts'

const MOST = 50
const MOST_BYTES = 32 << 20

/** Of an entry of the hub: named as the repository is, whatever its card says. */
export type HubEntry = Omit<CatalogueEntry, 'name'> & { readonly name: string }

/** Cartridges that the hub finds: `query` in its own words, or `owner/`. Throws `E_NETWORK`, `E_UNAUTHORIZED`, `E_FORBIDDEN`. */
export async function searchHub(hub: Hub, query: string, { signal }: Pick<Call, 'signal'>): Promise<HubEntry[]> {
  const endpoint = hub.endpoint.replace(/\/+$/, '')
  const options = { server: 'The hub', fetch: createHubFetch({ ...hub, endpoint }), signal }
  const patience = { ...PATIENCE, ...hub.patience }
  const [, owner] = /^([\w.-]+)\/$/.exec(query.trim()) ?? []
  const asked = owner === undefined ? (query.trim() === '' ? {} : { query: query.trim() }) : { owner }
  const { listModels } = await import('@huggingface/hub')
  const found = listModels({
    search: { ...asked, tags: [HUB_LIBRARY] },
    additionalFields: ['cardData', 'sha'],
    ...{ limit: MOST, hubUrl: endpoint },
    // The library's own fetch would follow redirects with the token in its hands.
    fetch: async input => {
      const { status, headers, body } = await readAnswer(String(input), { ...options, patience, mostBytes: MOST_BYTES })
      if (status !== 200) throw statusError(status, 'cartridges', endpoint)
      return new Response(body, { headers })
    },
  })
  const entries: HubEntry[] = []
  try {
    for await (const { name, cardData, sha } of found) {
      const [user = ''] = name.split('/')
      const said =
        typeof cardData === 'object' && cardData !== null && 'statepack' in cardData ? cardData.statepack : null
      // One whose card does not say what it is could be anything: it can still be opened by its address.
      const { data } = catalogueEntrySchema.safeParse(said)
      if (data === undefined || typeof sha !== 'string' || !/^[0-9a-f]{40}$/.test(sha)) continue
      entries.push({ ...data, name, from: `hf://${name}@${sha}`, publisher: { ...data.publisher, name: user } })
    }
  } catch (thrown) {
    signal?.throwIfAborted()
    if (thrown instanceof StatePackError) throw thrown
    throw new StatePackError('E_BAD_FORMAT', 'The hub’s list of cartridges cannot be used.', {}, thrown)
  }
  return entries
}
