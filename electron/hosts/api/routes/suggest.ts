import { z } from 'zod'
import { apiRoute } from '../apiRoute.ts'
import { stateFields, stateView } from './stateView.ts'

const share = z.number().min(0).max(1)

export const suggestRoute = apiRoute({
  method: 'post',
  path: '/suggest',
  summary: 'The states that a question is about, and the one that `state: "auto"` would ask.',
  input: z.strictObject({
    question: z.string().min(1).max(4000),
    /** Only states of this model. */
    model: z.string().optional(),
    limit: z.number().int().min(1).max(6).optional(),
  }),
  output: z.strictObject({
    /** null: none accounts for enough of the question. */
    state_hash: stateFields.state_hash.nullable(),
    enough: share,
    candidates: z.array(
      z.strictObject({
        ...stateFields,
        name: z.string(),
        /** Share of the question's information that the state accounts for. */
        accounts_for: share,
        /** What it does not know of the question, most telling first. */
        unknown: z.array(z.string()),
      }),
    ),
    tokens_processed: z.number().int().nonnegative(),
  }),
  async answer({ question, model, limit }, { client, signal }) {
    const found = await client.call('library.suggest', { question, model, limit }, { signal })
    const candidates = found.candidates.map(({ cartridge, accountsFor, unknown }) => ({
      ...stateView(cartridge),
      ...{ name: cartridge.name, accounts_for: accountsFor, unknown },
    }))
    const chosen = candidates.find(({ packet_id }) => packet_id === found.chosen)
    return {
      state_hash: chosen?.state_hash ?? null,
      enough: found.enough,
      candidates,
      tokens_processed: found.tokensProcessed,
    }
  },
})
