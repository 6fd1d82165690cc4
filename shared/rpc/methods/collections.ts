/** Collections: cartridges that belong together, as the parts of one text do. A cartridge is in one at most. */
import { z } from 'zod'
import { digestSchema } from '../../domain/cartridge.ts'
import { MOST_COLLECTED } from '../../domain/mostTogether.ts'
import { nameSchema } from '../../domain/name.ts'
import { method } from '../method.ts'
import { cartridgeSummarySchema, count } from './views.ts'

const collectionIdSchema = z.uuid()

export const collectionSchema = z.strictObject({
  id: collectionIdSchema,
  name: z.string(),
  /** In their order, at least two. With fewer in the library it is no collection, until the deleted ones come back. */
  packetIds: z.array(digestSchema),
  /** Of all of them together. */
  tokens: count,
  bytes: count,
  createdAt: z.string(),
})
export type Collection = z.infer<typeof collectionSchema>

const one = z.strictObject({ id: collectionIdSchema })

export const collectionMethods = {
  'collections.list': method(z.strictObject({}), z.strictObject({ collections: z.array(collectionSchema) })),
  /** With its cartridges, in its order. */
  'collections.get': method(one, collectionSchema.extend({ members: z.array(cartridgeSummarySchema) })),
  /**
   * Makes the collection with this id, which the caller chose, or changes it. What is put into it leaves the one it was in.
   * `E_CONFLICT` for a name that another collection or a cartridge has.
   */
  'collections.save': method(
    z.strictObject({
      id: collectionIdSchema,
      name: nameSchema.optional(),
      packetIds: z.array(digestSchema).min(2).max(MOST_COLLECTED).optional(),
    }),
    collectionSchema,
  ),
  /** Its cartridges stay. Saving what is returned undoes it. */
  'collections.dissolve': method(one, collectionSchema),
} as const
