/** Responses that were stored: looking at them again, and deleting them. */
import { z } from 'zod'
import { StatePackError, toStatePackError } from '#shared/domain/error.ts'
import { type ApiRoute, apiRoute } from '../apiRoute.ts'
import { unsupported } from '../chat/fields.ts'
import { inputItemSchema } from '../chat/inputItems.ts'
import { responseSchema } from '../chat/response.ts'

const one = { id: z.string().min(1).max(200) }
const path = '/v1/responses/{id}'
const itemsSchema = z.array(inputItemSchema)

const getResponse = apiRoute({
  method: 'get',
  path,
  summary: 'A stored response, as it was told.',
  query: true,
  input: z.strictObject({ ...one, stream: z.literal('false', unsupported('streaming it again')).optional() }),
  output: responseSchema,
  async answer({ id }, { client, signal }) {
    const { response } = await client.call('answers.get', { id }, { signal }).catch(explained)
    // Checked by the schema of this route, as it was when it was told.
    return response as z.output<typeof responseSchema>
  },
})

const listInput = apiRoute({
  method: 'get',
  path: `${path}/input_items`,
  summary:
    'What a stored response was asked, without what it went on from; the last item first unless asked otherwise.',
  query: true,
  input: z.strictObject({
    ...one,
    limit: z.coerce.number().int().min(1).max(100).default(20),
    order: z.enum(['asc', 'desc']).default('desc'),
    /** The item that they come after. */
    after: z.string().optional(),
  }),
  output: z.strictObject({
    object: z.literal('list'),
    data: itemsSchema,
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  }),
  async answer({ id, limit, order, after }, { client, signal }) {
    const { input } = await client.call('answers.input', { id }, { signal }).catch(explained)
    const items = itemsSchema.parse(order === 'asc' ? input : input.toReversed())
    const before = after === undefined ? -1 : items.findIndex(item => item.id === after)
    if (after !== undefined && before < 0)
      throw new StatePackError('E_BAD_INPUT', 'after: no item of this response has this id.', { field: 'after' })
    const data = items.slice(before + 1, before + 1 + limit)
    return {
      ...{ object: 'list' as const, data },
      ...{ first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null },
      has_more: before + 1 + limit < items.length,
    }
  },
})

const deleteResponse = apiRoute({
  method: 'delete',
  path,
  summary:
    'Forget a stored response. Its state goes, too, unless something else holds it; responses that went on from it stay.',
  input: z.strictObject(one),
  output: z.strictObject({ id: z.string(), object: z.literal('response'), deleted: z.literal(true) }),
  async answer({ id }, { client, signal }) {
    await client.call('answers.delete', { id }, { signal }).catch(explained)
    return { id, object: 'response' as const, deleted: true as const }
  },
})

export const keptResponseRoutes: readonly ApiRoute[] = [getResponse, listInput, deleteResponse]

/** Throws it; says what is kept where it is not there. */
function explained(error: unknown): never {
  const { code, details } = toStatePackError(error)
  if (code !== 'E_NOT_FOUND') throw error
  const message =
    'No response with this id is kept here: one of `store: false` never is, and a stored one for 30 days after its last use (less where the disk is short).'
  throw new StatePackError(code, message, details)
}
