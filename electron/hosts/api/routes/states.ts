/** States: making them, growing them, looking at them. The server keeps no session: the client owns the chain. */
import { z } from 'zod'
import { stateDtypeSchema } from '#shared/domain/cartridge.ts'
import { nameSchema } from '#shared/domain/name.ts'
import type { Created } from '#shared/rpc/methods/packets.ts'
import { count, receiptViewSchema, tierSchema } from '#shared/rpc/methods/views.ts'
import { type ApiCall, type ApiRoute, apiRoute } from '../apiRoute.ts'
import { oneField } from '../oneField.ts'
import { modelOf } from './modelOf.ts'
import { keywordsSchema, seamSchema, stateFields, stateHash, stateHashSchema, stateView } from './stateView.ts'

const createState = apiRoute({
  method: 'post',
  path: '/states',
  summary: 'Read a text once and keep the state.',
  input: oneField(
    z.strictObject({
      base_text: z.string().optional(),
      /** System messages: the state opens a conversation, through the model's chat template. */
      messages: z
        .array(z.strictObject({ role: z.literal('system'), content: z.string() }))
        .min(1)
        .optional(),
      /** An installed model; default the one of the settings. */
      model: z.string().optional(),
      /** Default float32: a state that is exact, so that going on from it never depends on anything else. */
      dtype: stateDtypeSchema.default('float32'),
      name: nameSchema.optional(),
      /** What it is, for people. */
      description: z.string().max(20_000).optional(),
      keywords: keywordsSchema.optional(),
      seam: seamSchema,
    }),
    ['base_text', 'messages'],
  ),
  output: z.strictObject({
    ...stateFields,
    /** The state was there already: nothing was read. */
    cache_hit: z.boolean(),
    tokens_processed: count,
    receipt: receiptViewSchema,
  }),
  async answer({ base_text, messages, model, dtype, name, description, keywords, seam }, call) {
    const { client, signal, count } = call
    const text = base_text ?? messages?.map(({ content }) => content).join('\n\n') ?? ''
    const created = await client.call(
      'packets.create',
      {
        model: await modelOf(client, model),
        sources: [{ text }],
        template: messages !== undefined,
        ...{ dtype, name, card: description, seam },
      },
      { signal },
    )
    const { cartridge, cacheHit, tokensProcessed, receipt } = created
    if (keywords !== undefined)
      await client.call('library.update', { packetId: cartridge.packetId, tags: keywords }, { signal })
    const { reused, reuseMissed } = created
    const cached = Math.max(0, cartridge.tokens - tokensProcessed)
    count({ prompt: cartridge.tokens, cached, generated: 0, reused, reuseMissed })
    return { ...stateView(cartridge), cache_hit: cacheHit, tokens_processed: tokensProcessed, receipt }
  },
})

const grown = {
  new_state_hash: stateFields.state_hash,
  /** Of the new state. */
  tokens: count,
  tokens_processed: count,
  receipt: receiptViewSchema,
}

const mergeState = apiRoute({
  method: 'post',
  path: '/merge',
  summary: 'Append a text to a state; the state itself stays as it is.',
  input: oneField(
    z.strictObject({
      state_hash: stateHashSchema,
      delta_text: z.string().optional(),
      delta: z.string().optional(),
      seam: seamSchema,
    }),
    ['delta_text', 'delta'],
  ),
  output: z.strictObject(grown),
  async answer({ state_hash: ref, delta_text, delta, seam }, { client, signal, count }) {
    const merged = await client.call('packets.merge', { ref, delta: delta_text ?? delta ?? '', seam }, { signal })
    const { cartridge, tokensProcessed, receipt } = merged
    count({ prompt: cartridge.tokens, cached: Math.max(0, cartridge.tokens - tokensProcessed), generated: 0 })
    const hash = stateHash(cartridge)
    return { new_state_hash: hash, tokens: cartridge.tokens, tokens_processed: tokensProcessed, receipt }
  },
})

const compactState = apiRoute({
  method: 'post',
  path: '/compact',
  summary: 'Fold a chain of steps, or texts that have piled up since, into one state.',
  input: oneField(
    z.strictObject({
      state_hash: stateHashSchema,
      /** Texts to fold into the state; without any, the chain of the state itself is folded. */
      accumulated_deltas: z.array(z.string()).max(10_000).optional(),
      deltas: z.array(z.string()).max(10_000).optional(),
    }),
    ['accumulated_deltas', 'deltas'],
    { isNeeded: false },
  ),
  output: z.strictObject({ ...grown, steps_folded: count }),
  async answer({ state_hash: ref, deltas, accumulated_deltas = deltas ?? [] }, { client, signal }) {
    if (accumulated_deltas.length > 0) {
      const merged = await client.call('packets.merge', { ref, delta: accumulated_deltas.join('') }, { signal })
      return folded(merged, accumulated_deltas.length)
    }
    const { created, stepsFolded } = await client.call('packets.compact', { ref }, { signal })
    return folded(created, stepsFolded)
  },
})

function folded(
  { cartridge, tokensProcessed, receipt }: Pick<Created, 'cartridge' | 'tokensProcessed' | 'receipt'>,
  steps: number,
) {
  return {
    new_state_hash: stateHash(cartridge),
    ...{ tokens: cartridge.tokens, tokens_processed: tokensProcessed, receipt, steps_folded: steps },
  }
}

const detailsSchema = z.strictObject({
  ...stateFields,
  /** In the buffers of a model, in memory, or on disk. */
  tier: tierSchema,
  names: z.array(z.string()),
  created_at: z.string(),
})

async function detailsOf(ref: string, { client, signal }: ApiCall): Promise<z.input<typeof detailsSchema>> {
  const { cartridge, names } = await client.call('packets.resolve', { ref }, { signal })
  return { ...stateView(cartridge), tier: cartridge.tier, names, created_at: cartridge.createdAt }
}

const getState = apiRoute({
  method: 'get',
  path: '/states/{hash}',
  summary: 'What a state is and where it is.',
  input: z.strictObject({ hash: stateHashSchema }),
  output: detailsSchema,
  answer: ({ hash }, call) => detailsOf(hash, call),
})

const saveState = apiRoute({
  method: 'post',
  path: '/states/{hash}',
  summary: 'Give a stored state a name that it is shown by (it keeps its others), and keywords.',
  input: z.strictObject({ hash: stateHashSchema, name: nameSchema.optional(), keywords: keywordsSchema.optional() }),
  output: detailsSchema,
  async answer({ hash, name, keywords }, call) {
    const { client, signal } = call
    const { packetId, names } = await client.call('packets.resolve', { ref: hash }, { signal })
    const named =
      name === undefined ? {} : { name, otherNames: names.filter(other => other.toLowerCase() !== name.toLowerCase()) }
    await client.call('library.update', { packetId, ...named, tags: keywords }, { signal })
    return detailsOf(packetId, call)
  },
})

const listStates = apiRoute({
  method: 'get',
  path: '/states',
  summary: 'The named states that a search finds, the last used first.',
  query: true,
  input: z.strictObject({
    query: z.string().max(500).optional(),
    offset: z.coerce.number().int().min(0).optional(),
    limit: z.coerce.number().int().min(1).max(500).optional(),
  }),
  output: z.strictObject({
    states: z.array(
      z.strictObject({
        ...stateFields,
        name: z.string(),
        tier: tierSchema,
        keywords: z.array(z.string()),
        created_at: z.string(),
      }),
    ),
    total: count,
  }),
  async answer(search, { client, signal }) {
    const { items, total } = await client.call('library.list', search, { signal })
    const states = items.map(item => ({
      ...stateView(item),
      ...{ name: item.name, tier: item.tier, keywords: item.tags, created_at: item.createdAt },
    }))
    return { states, total }
  },
})

const combineStates = apiRoute({
  method: 'post',
  path: '/combine',
  summary: 'The weighted mean of recurrent states of one model; weights add up to 1.',
  input: z.strictObject({
    states: z
      .array(z.strictObject({ state_hash: stateHashSchema, weight: z.number().min(0).max(1) }))
      .min(2)
      .max(16),
    name: nameSchema.optional(),
  }),
  output: z.strictObject({ ...stateFields, receipt: receiptViewSchema }),
  async answer({ states, name }, { client, signal }) {
    const parents = states.map(({ state_hash: ref, weight }) => ({ ref, weight }))
    const { cartridge, receipt } = await client.call('remix.mix', { parents, name }, { signal })
    return { ...stateView(cartridge), receipt }
  },
})

const getReceipt = apiRoute({
  method: 'get',
  path: '/receipts/{id}',
  summary: 'A signed receipt with the proof that the log holds it.',
  input: z.strictObject({ id: z.string().min(1).max(200) }),
  output: z.strictObject({
    receipt: receiptViewSchema,
    statement: z.unknown(),
    inclusion: z.unknown(),
    key_id: z.string(),
  }),
  async answer({ id }, { client, signal }) {
    const { receipt, statement, inclusion, keyId } = await client.call('receipts.get', { id }, { signal })
    return { receipt, statement, inclusion, key_id: keyId }
  },
})

export const stateRoutes: readonly ApiRoute[] = [
  createState,
  listStates,
  mergeState,
  compactState,
  combineStates,
  getState,
  saveState,
  getReceipt,
]
