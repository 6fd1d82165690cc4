/** Good requests of every route. The tests of all routes come from this table and the OpenAPI document. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openCatalogue } from '#engine/share/signedCatalogue.ts'
import { ASSETS } from '../../engine/testEngine.ts'

/** What the requests of the table go on from. */
export interface Made {
  readonly hash: string
  /** Two states of a recurrent model. */
  readonly recurrent: readonly string[]
  readonly receipt: string
  readonly response: string
  /** Another one, that nothing goes on from. */
  readonly passing: string
  /** A registry that takes what it is sent. */
  readonly registry: string
}

/** Fields of a request, wherever they are sent: in the path, the query or the body. */
export type Sent = Readonly<Record<string, unknown>>

const model = 'starter-transformer'
const { entries } = (await openCatalogue(await readFile(join(ASSETS, 'catalogue', 'catalogue.json')))).catalogue
const GARDEN = entries.find(({ name }) => name === 'studio/allotment-garden')?.packetId
const user = { role: 'user', content: 'Who pays?' }
const sampling = { temperature: 0.5, topK: 5, topP: 0.9, repetitionPenalty: 1.1, seed: 3 }
/** What OpenAI's routes share, each with a value that is taken. */
const chosen = { model, temperature: 0.5, top_p: 0.9 }
const labels = {
  ...{ user: 'somebody', metadata: { run: 'one' }, service_tier: 'auto' },
  ...{ safety_identifier: 'somebody', prompt_cache_key: 'one', prompt_cache_retention: '24h' },
}
const toolless = { tools: [], tool_choice: 'none', parallel_tool_calls: false }
const described = { name: 'clock', description: 'What time it is.' }
const parameters = { type: 'object', properties: { zone: { enum: ['here', 'there'] } } }
const called = { id: 'call_1', type: 'function', function: { name: 'clock', arguments: '{}' } }
const unpunished = { frequency_penalty: 0, presence_penalty: 0, logit_bias: {} }
const streamed = { stream: true, stream_options: { include_usage: true } }

/** By method and path; the requests of a route together send each of its documented fields. */
export const ROUTE_TABLE: Readonly<Record<string, (made: Made) => readonly [Sent, ...Sent[]]>> = {
  'get /health': () => [{}],
  'get /metrics': () => [{}],
  'get /openapi.json': () => [{}],
  'get /v1/models': () => [{}],
  'get /v1/models/{model}': () => [{ model }],
  'get /states': () => [{ query: 'lease', offset: 0, limit: 5 }],
  'get /states/{hash}': ({ hash }) => [{ hash }],
  'get /receipts/{id}': ({ receipt: id }) => [{ id }],
  'post /states': () => [
    { base_text: 'The lease runs for ten years. ', model, name: 'lease', description: 'Ours.', keywords: ['law'] },
    { messages: [{ role: 'system', content: 'Be brief.' }], model, dtype: 'float16' },
    { base_text: 'Rent is due. ', seam: 'concat' },
  ],
  'post /states/{hash}': ({ hash }) => [{ hash, name: 'the lease', keywords: ['law', 'flat'] }],
  'post /infer': ({ hash: state_hash }) => [
    { state_hash, delta_text: 'Who pays?', max_new_tokens: 2, sampling, stop: ['.'], keep_output: true },
    { state_hash, messages: [user], max_new_tokens: 2 },
    { state_hash, delta: 'Who pays?', max_new_tokens: 2, seam: 'concat', stream: true },
  ],
  'post /merge': ({ hash: state_hash }) => [
    { state_hash, delta_text: 'Rent is due on the first. ' },
    { state_hash, delta: 'Rent is due on the first. ', seam: 'concat' },
  ],
  'post /compact': ({ hash: state_hash }) => [
    { state_hash, accumulated_deltas: ['Pets are ', 'welcome. '] },
    { state_hash, deltas: ['Pets are welcome. '] },
  ],
  'post /combine': ({ recurrent }) => [
    { states: recurrent.map(state_hash => ({ state_hash, weight: 0.5 })) },
    { states: recurrent.map((state_hash, i) => ({ state_hash, weight: i })), name: 'the second' },
  ],
  'get /offers': () => [{ query: 'garden', place: 'shipped' }],
  'post /catalogues': ({ registry }) => [{ place: `${registry}/team/catalogue` }],
  'get /tags': ({ registry }) => [{ repository: `${registry}/team/lease` }],
  'post /push': ({ hash: state_hash, registry }) => [
    { state_hash, to: `${registry}/team/lease`, token_hosts: ['login.example'] },
    {
      ...{ state_hash, to: `${registry}/team/lease:v1`, licence: 'CC0-1.0', is_private: false },
      catalogue: { place: `${registry}/team/catalogue`, name: 'team/lease' },
    },
  ],
  'post /pull': ({ registry }) => [
    { from: `${registry}/team/lease:v1`, name: 'their lease', token_hosts: ['login.example'] },
    {
      ...{ from: 'shipped:allotment-garden', link: false, packet_id: GARDEN },
      entry: { place: 'shipped', name: 'studio/allotment-garden' },
    },
  ],
  'post /suggest': () => [{ question: 'How long does the lease run?', model, limit: 2 }],
  'post /v1/completions': ({ hash: state }) => [
    { ...chosen, prompt: 'The lease', max_tokens: 2, seed: 1, stop: '.', n: 2, best_of: 1, logprobs: 1, echo: false },
    { prompt: ['Rent is'], state, max_tokens: 4, ...labels, ...unpunished, ...streamed },
  ],
  'post /v1/chat/completions': ({ hash: state }) => [
    { ...chosen, messages: [user], max_tokens: 2, seed: 1, stop: ['.'], n: 2, logprobs: true, top_logprobs: 1 },
    { messages: [user], state, max_completion_tokens: 2, ...labels, ...toolless, ...unpunished, ...streamed },
    { messages: [user], max_tokens: 2, response_format: { type: 'text' }, store: false, modalities: ['text'] },
    { messages: [user], max_tokens: 2, verbosity: 'medium', reasoning_effort: 'none' },
    {
      tools: [{ type: 'function', function: { ...described, parameters, strict: true } }],
      ...{ tool_choice: { type: 'function', function: { name: 'clock' } }, parallel_tool_calls: true, max_tokens: 60 },
      messages: [
        ...[user, { role: 'assistant', content: null, tool_calls: [called] }],
        { role: 'tool', tool_call_id: 'call_1', content: 'Noon.' },
      ],
    },
  ],
  'post /v1/responses': ({ hash: state, response }) => [
    { ...chosen, input: 'Who pays?', instructions: 'Be brief.', max_output_tokens: 2, ...labels, ...toolless },
    {
      input: 'And when?',
      previous_response_id: response,
      max_output_tokens: 2,
      store: false,
      stream: true,
      stream_options: {},
    },
    { input: 'Who pays?', state, max_output_tokens: 2, text: { format: { type: 'text' } }, reasoning: {} },
    {
      input: 'Who pays?',
      max_output_tokens: 2,
      truncation: 'disabled',
      include: [],
      background: false,
      top_logprobs: 0,
    },
    {
      ...{ tools: [{ type: 'function', ...described, parameters, strict: true }], tool_choice: 'required' },
      input: [
        ...[user, { type: 'function_call', call_id: 'call_1', name: 'clock', arguments: '{}' }],
        { type: 'function_call_output', call_id: 'call_1', output: 'Noon.' },
      ],
      ...{ max_output_tokens: 60, parallel_tool_calls: true },
    },
  ],
  'get /v1/responses/{id}': ({ response: id }) => [{ id, stream: false }],
  'get /v1/responses/{id}/input_items': ({ response: id }) => [
    { id, limit: 5, order: 'asc', after: `msg_${id.slice('resp_'.length)}_0` },
  ],
  'delete /v1/responses/{id}': ({ passing: id }) => [{ id }],
  'post /v1/messages': ({ hash: state }) => [
    { ...chosen, top_k: 5, messages: [user], max_tokens: 2, system: 'Be brief.', stop_sequences: ['.'], tools: [] },
    { messages: [user], max_tokens: 2, state, stream: true },
    { messages: [user], max_tokens: 2, metadata: { user_id: 'u' }, thinking: { type: 'disabled' } },
    {
      ...{ tools: [{ ...described, input_schema: parameters }], tool_choice: { type: 'any' }, max_tokens: 60 },
      messages: [
        ...[user, { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'clock', input: {} }] }],
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'Noon.' }] },
      ],
    },
    { messages: [user], max_tokens: 2, service_tier: 'auto', cache_control: { type: 'ephemeral' } },
  ],
  'post /v1/messages/count_tokens': ({ hash: state }) => [
    { model, messages: [user], system: 'Be brief.', thinking: { type: 'disabled' }, cache_control: null },
    { messages: [user], state },
    { messages: [user], tools: [{ ...described, input_schema: parameters }], tool_choice: { type: 'any' } },
  ],
}
