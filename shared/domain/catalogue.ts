/** A catalogue: a signed list of cartridges, kept in a registry or a repository of the hub, or shipped with the app. */
import { z } from 'zod'
import { digestSchema, fingerprintSchema, stateKindSchema } from './cartridge.ts'
import { hexDigestSchema } from './hexDigest.ts'

/** Artifact type in a registry, and payload type of the signature. */
export const CATALOGUE_TYPE = 'application/vnd.statepack.catalogue.v1+json'
/** Most cartridges in one catalogue. */
const MOST_ENTRIES = 2000

/** `user/name`, of what every registry and the hub take as names. */
export const entryNameSchema = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9._-]{0,38}[a-z0-9])?\/[a-z0-9](?:[a-z0-9._-]{0,78}[a-z0-9])?$/,
    'a name in a catalogue is user/name: lower-case letters, digits, dots, - and _',
  )
const line = z.string().max(300)

export const catalogueEntrySchema = z.strictObject({
  name: entryNameSchema,
  title: line,
  /** Markdown. */
  card: z.string().max(20_000),
  kind: stateKindSchema,
  model: fingerprintSchema,
  packetId: digestSchema,
  tokens: z.number().int().nonnegative(),
  bytes: z.number().int().nonnegative(),
  /** Where it is: an address, or `./name` beside a catalogue in a registry. */
  from: z.string().min(1).max(600),
  publisher: z.strictObject({ name: line, keyid: hexDigestSchema }),
  /** As SPDX has it. */
  licence: z.string().max(100).nullable(),
  /** What it was asked, and what it answered. */
  questions: z.array(z.strictObject({ question: line, answer: z.string().max(2000) })).max(50),
})
export type CatalogueEntry = z.infer<typeof catalogueEntrySchema>

export const catalogueSchema = z.strictObject({
  formatVersion: z.literal(1),
  title: line,
  /** Higher in each version: an older one, served again, is noticed. */
  version: z.number().int().positive(),
  /** Where to write when something in it should not be: an https or mailto address. */
  contact: z
    .string()
    .max(300)
    .regex(/^(?:https:\/\/|mailto:)\S+$/, 'an https: or mailto: address is expected')
    .nullable(),
  /** Of the signature, PEM. */
  publicKey: z.string().max(1000),
  entries: z.array(catalogueEntrySchema).max(MOST_ENTRIES),
})
export type Catalogue = z.infer<typeof catalogueSchema>
