/** Cartridges on their way out of a library and into one. */
import { z } from 'zod'
import { digestSchema } from '../../domain/cartridge.ts'
import { nameSchema } from '../../domain/name.ts'
import { method, streaming } from '../method.ts'
import { leavingFields, placeSchema, tokenHostsSchema } from './share.ts'
import { cartridgeSummarySchema, count, fingerprintSchema, receiptViewSchema, refSchema } from './views.ts'

/** A `.cartridge` file: an upload, or (from a program on this machine, never over HTTP) the path it is read from as a stream. */
export const fileFields = {
  path: z.string().min(1).max(32_768).optional(),
  /** Take another tool's tar of an OCI layout, in which a changed byte of the tar itself may go unseen. */
  lenient: z.boolean().default(false),
  /** Instead: where it is offered. */
  from: placeSchema.optional(),
  /** A link or a stranger's list named `from`, no person did: only what is on the internet is asked. */
  link: z.boolean().default(false),
  tokenHosts: tokenHostsSchema,
}
/** The bytes of a file, in pieces of any size from the first to the last; a mebibyte or so travels best. */
export const fileBytes = z.instanceof(Uint8Array)

export const transferMethods = {
  /** What anyone holding the exported file can read of it. Nothing is written. */
  'packets.exportReview': method(
    z.strictObject({ ref: refSchema, withhold: leavingFields.withhold }),
    z.strictObject({
      packetId: digestSchema,
      name: z.string(),
      /** Of what the file will hold; its own frame comes on top. */
      bytes: count,
      fileName: z.string(),
      sources: z.array(z.strictObject({ name: z.string(), characters: count })),
      systemPrompt: z.string().nullable(),
      card: z.string(),
      recoverableText: z.string(),
      secrets: z.array(z.strictObject({ kind: z.string(), excerpt: z.string() })),
      /** What the receipt of its making tells, which goes along unless it is held back; null where there is none. */
      made: z
        .strictObject({
          ...{ op: z.string(), at: z.string(), seconds: z.number().nullable() },
          ...{ provider: z.string().nullable(), runtime: z.string().nullable(), threads: count.nullable() },
        })
        .nullable(),
      /** Why its texts, recipe and tokens cannot be withheld; null where they can. */
      notWithheld: z.string().nullable(),
    }),
  ),
  /** What is sent is the file, to be kept only when the call succeeds. */
  'packets.export': streaming(
    z.strictObject({ ref: refSchema, ...leavingFields }),
    z.strictObject({ fileName: z.string(), bytes: count, receipt: receiptViewSchema }),
    { sends: fileBytes },
  ),
  /** Looks at a `.cartridge` file without writing anything to the library: what the import sheet shows. */
  'packets.review': streaming(
    z.strictObject(fileFields),
    z.strictObject({
      /** Names these bytes where they were offered, for an import; null for a file. */
      from: z.string().nullable(),
      packetId: digestSchema,
      contextId: digestSchema,
      name: z.string(),
      /** Of the whole file, what vouches for the cartridge included. */
      bytes: count,
      /** What the cartridge takes in a library; offers and summaries say this. */
      storedBytes: count,
      tokens: count,
      /** How many of them, from the first on, its publisher does not tell, nor the texts that they are of. */
      withheldTokens: count,
      kind: z.string(),
      model: fingerprintSchema,
      modelInstalled: z.boolean(),
      duplicate: z.boolean(),
      /** Made here: the receipt log of this library says so, and nobody has to be trusted. */
      own: z.boolean(),
      signedBy: z.string().nullable(),
      /** The key id of that signer. */
      signer: z.string().nullable(),
      /** The blocked publisher who has signed it, for whom neither an import nor a try is taken. */
      blocked: z.strictObject({ keyid: z.string(), name: z.string() }).nullable(),
      /** What the receipt of its making says, where the signer named above signed that, too: not checked by doing it again. */
      made: z.strictObject({ op: z.string(), at: z.string(), seconds: z.number().nullable() }).nullable(),
      /** Signatures, receipts and traces in the file that do not hold; they are not taken in. */
      refusedReferrers: count,
      /** Text that anyone holding the file can read from it. */
      recoverableText: z.string(),
      systemPrompt: z.string().nullable(),
      /** Its tokens as the model reads them, decoded; null without the model. */
      modelReads: z.string().nullable(),
      /** Text that the model reads after them, with what is asked. */
      heldBack: z.string(),
      /** Tokens that are said to be the model's own words. */
      generatedTokens: count,
      /** Why what the model reads does not follow from the texts; null when it does, or when only the model could tell. */
      notFromTexts: z.string().nullable(),
      secrets: z.array(z.strictObject({ kind: z.string(), excerpt: z.string() })),
      card: z.string(),
    }),
    { takes: fileBytes },
  ),
  /**
   * Asks a file one question before anything of it is kept: its state is restored for this answer alone, and neither the
   * library, memory nor the receipts know of it. Throws `E_UNKNOWN_MODEL`, `E_COMPONENT_MISMATCH` besides.
   */
  'packets.try': streaming(
    z.strictObject({ ...fileFields, question: z.string().trim().min(1).max(4000) }),
    z.strictObject({ answer: z.string(), seconds: z.number() }),
    { takes: fileBytes },
  ),
  'packets.import': streaming(
    z.strictObject({
      ...fileFields,
      trust: z.boolean().default(false),
      name: nameSchema.optional(),
      /** Of the review that was agreed to: any other cartridge is refused. */
      packetId: digestSchema.optional(),
      /** The entry of a catalogue that led to it, so that a newer one is seen as its update. */
      entry: z.strictObject({ catalogue: placeSchema, name: z.string().max(300) }).optional(),
    }),
    z.strictObject({
      cartridge: cartridgeSummarySchema,
      duplicate: z.boolean(),
      /** Names these bytes where they were offered; null for a file. */
      from: z.string().nullable(),
      /** That travelled: what the library had did not. */
      bytesFetched: count,
      /** Signatures, receipts and traces that did not hold, or not arrive as they should, and were left out. */
      refusedReferrers: count,
      receipt: receiptViewSchema,
    }),
    { takes: fileBytes },
  ),
} as const
