/** States that leave for others and come from them: by registries, the hub and catalogues. */
import { z } from 'zod'
import { catalogueEntrySchema, entryNameSchema } from '#shared/domain/catalogue.ts'
import { parseDigest } from '#shared/domain/digest.ts'
import { nameSchema } from '#shared/domain/name.ts'
import { count, receiptViewSchema, trustSchema } from '#shared/rpc/methods/views.ts'
import { availableOffers } from '../../availableOffers.ts'
import { type ApiRoute, apiRoute } from '../apiRoute.ts'
import { stateFields, stateHashSchema, stateView } from './stateView.ts'

/** `REGISTRY/REPOSITORY[:TAG]`, `hf://OWNER/NAME`, the address of a file. */
const placeSchema = z.string().min(1).max(600)
/** Hosts that may be sent the registry's login, besides those known to be its own. */
const token_hosts = z.array(z.string().min(1).max(300)).max(20).optional()
const { card, kind, licence, packetId, publisher, questions, title, tokens, bytes, from } = catalogueEntrySchema.shape

const listOffers = apiRoute({
  method: 'get',
  path: '/offers',
  summary: 'What others offer: the entries of the known catalogues, or of one place.',
  query: true,
  input: z.strictObject({
    /** Each of its words is in what the catalogue says of it. */
    query: z.string().max(300).default(''),
    /** A catalogue, or `hub` for what the hub itself finds; default all catalogues that were added. */
    place: placeSchema.optional(),
  }),
  output: z.strictObject({
    offers: z.array(
      z.strictObject({
        /** The catalogue that lists it. All that follows is its word: the state is checked when it is pulled. */
        place: z.string(),
        ...{ name: z.string(), title, card, kind, model: z.string() },
        ...{ packet_id: packetId, tokens, bytes, publisher, licence, questions },
        /** With `link` as `POST /pull` takes it: a stranger's list names it, so it leads to the internet only. */
        from,
        link: z.boolean(),
        model_installed: z.boolean(),
        in_library: z.boolean(),
        /** An earlier one was taken from this entry. */
        is_update: z.boolean(),
      }),
    ),
    /** Of publishers that are blocked here. */
    hidden: count,
    unreachable: z.array(z.strictObject({ place: z.string(), code: z.string(), message: z.string() })),
  }),
  async answer({ query, place }, { client, signal }) {
    const places = place === undefined ? undefined : [place]
    const { offers, hidden, unreachable } = await availableOffers(client, { query, places }, { signal })
    return {
      offers: offers.map(({ packetId: packet_id, model, modelInstalled, here, ...offer }) => ({
        ...{ ...offer, packet_id, model: model.name, model_installed: modelInstalled },
        ...{ in_library: here !== null && !here.isOlder, is_update: here?.isOlder ?? false },
      })),
      ...{ hidden, unreachable: [...unreachable] },
    }
  },
})

const addCatalogue = apiRoute({
  method: 'post',
  path: '/catalogues',
  summary: 'Look into a catalogue from now on; its key is remembered.',
  input: z.strictObject({ place: placeSchema }),
  output: z.strictObject({ place: z.string(), title: z.string() }),
  answer: ({ place }, { client, signal }) => client.call('share.addCatalogue', { place }, { signal }),
})

const listTags = apiRoute({
  method: 'get',
  path: '/tags',
  summary: 'The tags of a repository in a registry.',
  query: true,
  input: z.strictObject({ repository: placeSchema }),
  output: z.strictObject({ tags: z.array(z.string()) }),
  answer: ({ repository }, { client, signal }) => client.call('share.tags', { repository }, { signal }),
})

const pushState = apiRoute({
  method: 'post',
  path: '/push',
  summary: 'Publish a stored state, signed, in a registry or on the hub: whoever may get it can read its texts.',
  input: z.strictObject({
    state_hash: stateHashSchema,
    to: placeSchema,
    /** As SPDX has it. */
    licence: z.string().trim().min(1).max(100).nullable().optional(),
    /** Of a repository of the hub that is made for it. */
    is_private: z.boolean().optional(),
    /** A catalogue of one's own that it is entered in, too; made where there is none. */
    catalogue: z.strictObject({ place: placeSchema, name: entryNameSchema }).optional(),
    token_hosts,
  }),
  output: z.strictObject({
    packet_id: packetId,
    /** Names these bytes for ever: with the digest, or the commit. */
    reference: z.string(),
    bytes: count,
    /** That travelled: what was there did not. */
    bytes_sent: count,
    receipt: receiptViewSchema,
  }),
  async answer({ state_hash: ref, is_private: isPrivate, token_hosts: tokenHosts, ...publication }, call) {
    const pushed = await call.client.call(
      'share.push',
      { ref, isPrivate, tokenHosts, ...publication },
      { signal: call.signal },
    )
    const { packetId: packet_id, reference, bytes, bytesSent: bytes_sent, receipt } = pushed
    return { packet_id, reference, bytes, bytes_sent, receipt }
  },
})

const pullState = apiRoute({
  method: 'post',
  path: '/pull',
  summary: 'Take in a state that others offer, every byte checked; restricted until a person trusts it or its signer.',
  input: z.strictObject({
    from: placeSchema,
    /** As the offer says; only what is on the internet is asked. */
    link: z.boolean().optional(),
    /** Any other than this is refused. */
    packet_id: z
      .string()
      .regex(/^(sha256:)?[0-9a-f]{64}$/, 'sha256: and 64 hexadecimal digits are expected')
      .transform(parseDigest)
      .optional(),
    name: nameSchema.optional(),
    /** The entry of a catalogue that led to it, so that a newer one is seen as its update. */
    entry: z.strictObject({ place: placeSchema, name: z.string().min(1).max(300) }).optional(),
    token_hosts,
  }),
  output: z.strictObject({
    ...stateFields,
    trust: trustSchema,
    /** It was here already. */
    cache_hit: z.boolean(),
    /** Names these bytes where they were offered; null for a file. */
    reference: z.string().nullable(),
    bytes_fetched: count,
    receipt: receiptViewSchema,
  }),
  async answer({ from, link, packet_id, name, entry, token_hosts: tokenHosts }, { client, signal }) {
    const taken = entry && { catalogue: entry.place, name: entry.name }
    const imported = await client.call(
      'packets.import',
      { from, link, packetId: packet_id, name, entry: taken, tokenHosts },
      { signal },
    )
    const { cartridge, duplicate, from: reference, bytesFetched, receipt } = imported
    return {
      ...{ ...stateView(cartridge), trust: cartridge.trust, cache_hit: duplicate },
      ...{ reference, bytes_fetched: bytesFetched, receipt },
    }
  },
})

export const offerRoutes: readonly ApiRoute[] = [listOffers, addCatalogue, listTags, pushState, pullState]
