/** Where others get cartridges: OCI registries, the hub, and catalogues in either. */
import { z } from 'zod'
import { digestSchema } from '../../domain/cartridge.ts'
import { catalogueEntrySchema, entryNameSchema } from '../../domain/catalogue.ts'
import { hexDigestSchema } from '../../domain/hexDigest.ts'
import { method } from '../method.ts'
import { count, receiptViewSchema, refSchema } from './views.ts'

/** `REGISTRY/REPOSITORY[:TAG][@DIGEST]`, `hf://OWNER/NAME[@REVISION]`, the address of a file, or a link to one of these. */
export const placeSchema = z.string().min(1).max(2048)
/** Hosts that may be sent the registry's login although nothing but the registry says that they are its own. */
export const tokenHostsSchema = z.array(z.string().min(1).max(300)).max(20).optional()
const tokenHosts = tokenHostsSchema
/** What of a cartridge goes out, besides its state, signatures and traces. */
export const leavingFields = {
  /** The receipt of its making: when, with which model, runtime and threads, and how long it took. */
  receipt: z.boolean().default(true),
  /**
   * Leaves out its texts, recipe and tokens. What it has read is then told by nothing but its state, whose keys and values still
   * leak text; nobody can recompute it. `E_NOT_SUPPORTED` for a conversation and a mix.
   */
  withhold: z.boolean().default(false),
}
const catalogueView = z.strictObject({ place: z.string(), title: z.string() })
const blockedView = z.array(z.strictObject({ keyid: z.string(), name: z.string() }))

export const shareMethods = {
  /** What anyone who may get it can read is what `packets.exportReview` says. */
  'share.push': method(
    z.strictObject({
      ref: refSchema,
      to: placeSchema,
      tokenHosts,
      ...leavingFields,
      /** As SPDX has it, for catalogues and the hub. */
      licence: z.string().trim().min(1).max(100).nullable().default(null),
      /** Of a repository of the hub that is made for it. */
      isPrivate: z.boolean().default(false),
      /** The catalogue that it is entered in, too: one of one's own, made where there is none. */
      catalogue: z.strictObject({ place: placeSchema, name: entryNameSchema }).optional(),
    }),
    z.strictObject({
      packetId: digestSchema,
      /** Names these bytes for ever: with the digest, or the commit. */
      reference: z.string(),
      /** How many blobs travelled, were taken over from a neighbouring repository, were there; null where nobody tells. */
      blobs: z.strictObject({ sent: count, mounted: count, there: count }).nullable(),
      bytesSent: count,
      bytes: count,
      /** Signatures, receipts and traces that went along. */
      referrers: count,
      receipt: receiptViewSchema,
    }),
  ),
  /** Of a repository of a registry. */
  'share.tags': method(
    z.strictObject({ repository: placeSchema, tokenHosts }),
    z.strictObject({ tags: z.array(z.string()) }),
  ),
  /** Where one can look: the catalogue that came with the app first. `hub`, its own search, is always there and not listed. */
  'share.catalogues': method(
    z.strictObject({}),
    z.strictObject({ catalogues: z.array(catalogueView), blocked: blockedView }),
  ),
  /** Looks into a catalogue from now on. */
  'share.addCatalogue': method(z.strictObject({ place: placeSchema }), catalogueView),
  'share.removeCatalogue': method(z.strictObject({ place: placeSchema }), z.strictObject({ removed: z.boolean() })),
  /** What a catalogue lists, or what the hub finds (`place` is `hub`). What it says is its word: the review is what counts. */
  'share.browse': method(
    z.strictObject({ place: placeSchema, query: z.string().max(300).default('') }),
    z.strictObject({
      title: z.string(),
      /** Where to write about something in it. */
      contact: z.string().nullable(),
      entries: z.array(
        catalogueEntrySchema.extend({
          name: z.string(),
          /** As `packets.review` and `packets.import` take it, with `from`. */
          link: z.boolean(),
          modelInstalled: z.boolean(),
          /** What is in the library of it; `isOlder`: an earlier one, for which this is an update. */
          here: z.strictObject({ packetId: digestSchema, isOlder: z.boolean() }).nullable(),
        }),
      ),
      /** Entries of publishers that are blocked here. */
      hidden: count,
    }),
  ),
  /** Hides what a publisher has signed in every catalogue, and refuses it on every way in (`E_BLOCKED`). */
  'share.block': method(
    z.strictObject({ keyid: hexDigestSchema, name: z.string().max(300), blocked: z.boolean() }),
    z.strictObject({ blocked: blockedView }),
  ),
} as const
