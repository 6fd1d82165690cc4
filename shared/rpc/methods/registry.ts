/** Cartridges in OCI registries. Places are written `REGISTRY/REPOSITORY[:TAG][@DIGEST]`. */
import { z } from 'zod'
import { digestSchema } from '../../domain/cartridge.ts'
import { nameSchema } from '../../domain/name.ts'
import { method } from '../method.ts'
import { cartridgeSummarySchema, count, receiptViewSchema, refSchema } from './views.ts'

const placeSchema = z.string().min(1).max(600)
/** Hosts that may be sent the registry's login although nothing but the registry says that they are its own. */
const tokenHosts = z.array(z.string().min(1).max(300)).max(20).optional()

export const registryMethods = {
  /** What anyone who may pull it can read is what `packets.exportReview` says. */
  'registry.push': method(
    z.strictObject({ ref: refSchema, to: placeSchema, tokenHosts }),
    z.strictObject({
      packetId: digestSchema,
      /** With the digest, so that it names these bytes for ever. */
      reference: z.string(),
      /** How many blobs travelled, were taken over from a neighbouring repository, were there. */
      blobs: z.strictObject({ sent: count, mounted: count, there: count }),
      bytesSent: count,
      bytes: count,
      /** Signatures and traces that went along. */
      referrers: count,
      receipt: receiptViewSchema,
    }),
  ),
  /** Comes in restricted, as a file would. */
  'registry.pull': method(
    z.strictObject({ from: placeSchema, trust: z.boolean().default(false), name: nameSchema.optional(), tokenHosts }),
    z.strictObject({
      cartridge: cartridgeSummarySchema,
      duplicate: z.boolean(),
      reference: z.string(),
      bytesFetched: count,
      bytes: count,
      /** Signatures and traces that did not hold, or not arrive as they should, and were left out. */
      refusedReferrers: count,
      receipt: receiptViewSchema,
    }),
  ),
  'registry.tags': method(
    z.strictObject({ repository: placeSchema, tokenHosts }),
    z.strictObject({ tags: z.array(z.string()) }),
  ),
} as const
