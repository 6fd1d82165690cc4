import { z } from 'zod'
import { StatePackError } from '#shared/domain/error.ts'
import { count } from '#shared/rpc/methods/views.ts'
import { apiRoute } from '../apiRoute.ts'
import { saidTo } from '../chat/saidTo.ts'
import { askedOf, promptFields } from './messages.ts'
import { modelOf } from './modelOf.ts'

/** Anthropic's count of a prompt. The tokenizer counts: no model runs, and nothing is kept. */
export const countTokens = apiRoute({
  method: 'post',
  path: '/v1/messages/count_tokens',
  summary:
    'How many tokens a message’s prompt has, as Anthropic counts them: those to be read and those that a state spares.',
  input: z.strictObject(promptFields),
  output: z.strictObject({ input_tokens: count }),
  async answer(request, { client, signal }) {
    const { asked, tools } = askedOf(request)
    const { state } = request
    if (state === 'auto') {
      const message = 'Which state `auto` is, the model must say: ask POST /suggest, and count with its `state_hash`.'
      throw new StatePackError('E_NOT_SUPPORTED', message, { field: 'state' })
    }
    const { delta: text, ...said } = saidTo(state, asked, tools)
    const of = state === undefined ? { model: await modelOf(client, request.model) } : { ref: state }
    const counted = await client.call('packets.count', { ...of, text, ...said }, { signal })
    return { input_tokens: counted.before + counted.count }
  },
})
