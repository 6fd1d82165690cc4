/** What clients send that is legal and seldom: fields that ask for nothing, parts, unusual bounds, and refusals by name. */
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from './startTestApi.ts'

const model = 'starter-transformer'
const user = { role: 'user', content: 'Who pays?' }
/** Fields of a request that say no more than their absence. */
const NOTHING = {
  '/v1/chat/completions': {
    ...{ temperature: null, seed: null, stop: null, n: null, logprobs: null, stream: null, response_format: null },
    ...{ tools: null, audio: null, prediction: null, web_search_options: null, functions: null, state: null },
    ...{ modalities: ['text'], verbosity: 'medium', reasoning_effort: 'none', prompt_cache_key: 'k', max_tokens: 2 },
    ...{ safety_identifier: 's', stream_options: { include_obfuscation: false, include_usage: null } },
  },
  '/v1/responses': {
    ...{ instructions: null, previous_response_id: null, store: null, prompt: null, conversation: null, state: null },
    ...{ reasoning: { effort: 'none' }, text: { format: null, verbosity: 'medium' }, prompt_cache_key: 'k' },
    ...{ max_output_tokens: 2, max_tool_calls: null },
  },
  '/v1/messages': {
    ...{ system: null, stop_sequences: null, temperature: null, top_k: null, stream: null, container: null },
    ...{ service_tier: 'auto', cache_control: { type: 'ephemeral' }, max_tokens: 2 },
  },
  '/v1/completions': { suffix: null, best_of: null, echo: false, logit_bias: null, max_tokens: 2 },
}
/** The same question of each of them. */
const QUESTION = {
  '/v1/chat/completions': { model, messages: [user] },
  '/v1/responses': { model, input: 'Who pays?' },
  '/v1/messages': { model, messages: [user] },
  '/v1/completions': { model, prompt: 'Who pays?' },
}
const bound = { '/v1/responses': 'max_output_tokens' } as Readonly<Record<string, string>>
const paths = Object.keys(QUESTION) as (keyof typeof QUESTION)[]

let api: TestApi
/** Of every call that the server made for a request. */
const signals: AbortSignal[] = []
beforeAll(async () => {
  api = await startTestApi({}, {}, engine => ({
    ...engine,
    call(method, input, options) {
      if (options.signal !== undefined) signals.push(options.signal)
      return engine.call(method, input, options)
    },
  }))
})
afterAll(() => api.close())

const chat = (more: object) =>
  api.ask('/v1/chat/completions', { ...QUESTION['/v1/chat/completions'], max_tokens: 2, ...more })
function saidIn({ json }: Awaited<ReturnType<TestApi['ask']>>) {
  const said = json.choices?.[0] ?? json.output?.[0].content ?? json.content
  if (said === undefined) throw new Error('This answer says nothing.')
  return said
}

describe.each(paths)('%s', path => {
  it('takes what asks for nothing, and answers as without it', async () => {
    const plain = await api.ask(path, { ...QUESTION[path], [bound[path] ?? 'max_tokens']: 2 })
    const whole = await api.ask(path, { ...NOTHING[path], ...QUESTION[path] })
    expect([plain.status, whole.status, saidIn(whole)]).toEqual([200, 200, saidIn(plain)])
  })

  it('takes more tokens than an answer may have, and says when it is cut', async () => {
    const stop = path === '/v1/messages' ? { stop_sequences: ['e'] } : path === '/v1/responses' ? {} : { stop: ['e'] }
    const answered = await api.ask(path, { ...QUESTION[path], ...stop, [bound[path] ?? 'max_tokens']: 100_000 })
    expect(answered.status).toBe(200)
  })
})

describe('a conversation', () => {
  it('comes in parts, with several system messages, the developer’s too', async () => {
    const parts = await chat({ messages: [{ ...user, content: [{ type: 'text', text: 'Who pays?' }] }] })
    expect(saidIn(parts)).toEqual(saidIn(await chat({})))
    const [one, two] = [
      [{ role: 'system', content: 'Be brief.\n\nBe kind.' }],
      ['Be brief.', 'Be kind.'].map((content, i) => ({ role: i === 0 ? 'system' : 'developer', content })),
    ]
    const [first, second] = [await chat({ messages: [...one, user] }), await chat({ messages: [...two, user] })]
    expect(second.json.state).toBe(first.json.state)
  })

  it('goes on after an answer that was empty, proven from its texts', async () => {
    const messages = [user, { role: 'assistant', content: '' }, { role: 'user', content: 'And when?' }]
    const { status, json } = await api.ask('/v1/responses', { model, input: messages, max_output_tokens: 2 })
    expect(status).toBe(200)
    const verified = await api.client.call('packets.verify', { ref: json.state, level: 'recomputed' })
    expect(verified).toMatchObject({ ok: true, level: 'recomputed' })
  })
})

/** As a client dumps what it was told: with every field that it knows of. */
const DUMPED: readonly (readonly [string, object, object])[] = [
  [
    '/v1/chat/completions',
    { role: 'assistant', content: 'The tenant.' },
    { refusal: null, annotations: null, audio: null, function_call: null, tool_calls: null },
  ],
  ['/v1/chat/completions', { role: 'assistant', content: 'The tenant.' }, { annotations: [] }],
  [
    '/v1/responses',
    { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'The tenant.' }] },
    {
      ...{ id: 'msg_1', status: 'completed', phase: null },
      content: [{ type: 'output_text', text: 'The tenant.', annotations: [], logprobs: null }],
    },
  ],
  [
    '/v1/messages',
    { role: 'assistant', content: [{ type: 'text', text: 'The tenant.' }] },
    { content: [{ type: 'text', text: 'The tenant.', citations: null }] },
  ],
]

it.each(DUMPED)('%s takes back what was told with fields that are empty', async (path, said, dumped) => {
  const asked = (answer: object) => ({
    ...{ ...QUESTION[path as keyof typeof QUESTION], [bound[path] ?? 'max_tokens']: 2 },
    [path === '/v1/responses' ? 'input' : 'messages']: [user, answer, { role: 'user', content: 'And when?' }],
  })
  const plain = await api.ask(path, asked(said))
  const again = await api.ask(path, asked({ ...said, ...dumped }))
  expect([plain.status, again.status]).toEqual([200, 200])
  expect(again.json.state).toBe(plain.json.state)
})

it('keeps what is empty in the arguments of a call, and in a schema', async () => {
  const called = (input: object) => [
    { ...user },
    { role: 'assistant', content: [{ type: 'tool_use', id: 'call_1', name: 'clock', input }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call_1', content: 'Noon.' }] },
  ]
  const parameters = { type: 'object', properties: { zone: { enum: ['here', null], default: null } } }
  const tools = [{ name: 'clock', input_schema: parameters }]
  const after = (input: object) => api.ask('/v1/messages', { model, max_tokens: 2, tools, messages: called(input) })
  const [none, empty] = [await after({}), await after({ zone: null })]
  expect([none.status, empty.status]).toEqual([200, 200])
  expect(empty.json.state).not.toBe(none.json.state)
  const tool = { type: 'function', name: 'clock', parameters }
  const { json } = await api.ask('/v1/responses', { ...QUESTION['/v1/responses'], tools: [tool], max_output_tokens: 2 })
  expect(json.tools[0].parameters).toEqual(parameters)
  expect((await api.ask(`/v1/responses/${json.id}`)).json.tools[0].parameters).toEqual(parameters)
})

describe('what is not supported', () => {
  const refusal = { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] }
  const thought = { role: 'assistant', content: [{ type: 'thinking', thinking: 'Hm.', signature: 's' }] }
  it.each([
    ['several prompts', '/v1/completions', { prompt: ['a', 'b'] }, 'several'],
    ['token ids', '/v1/completions', { prompt: [1, 2] }, 'token ids'],
    ['a picture', '/v1/chat/completions', { messages: [{ ...user, content: [{ type: 'image_url' }] }] }, 'not text'],
    ['top_logprobs alone', '/v1/chat/completions', { top_logprobs: 2 }, 'logprobs'],
    [
      'a picture',
      '/v1/messages',
      { messages: [{ ...user, content: [{ type: 'image', source: {} }] }] },
      'other than texts',
    ],
    ['a thought', '/v1/messages', { messages: [user, thought, user] }, 'other than texts'],
    ['a picture', '/v1/responses', { input: [{ ...user, content: [{ type: 'input_image' }] }] }, 'not text'],
    ['an item', '/v1/responses', { input: [user, { type: 'item_reference', id: 'msg_1' }] }, 'other than messages'],
    ['a field of an item', '/v1/responses', { input: [{ ...user, no_such_field: 1 }] }, 'no_such_field'],
    ['no input', '/v1/responses', { input: undefined }, 'expected string'],
    ['a refusal', '/v1/chat/completions', { messages: [user, refusal, user] }, 'not text'],
    ['log-probabilities', '/v1/responses', { top_logprobs: 3 }, 'log-probabilities'],
    ['reasoning', '/v1/chat/completions', { reasoning_effort: 'high' }, 'reasoning'],
    ['reasoning', '/v1/responses', { reasoning: { effort: 'low' } }, 'reasoning'],
    ['padding', '/v1/chat/completions', { stream_options: { include_obfuscation: true } }, 'obfuscation'],
  ] as const)('%s, is said by its name', async (_, path, more, named) => {
    const { status, json } = await api.ask(path, { ...QUESTION[path], ...more })
    expect([status, json.error.code]).toEqual([400, 'E_BAD_INPUT'])
    expect(json.error.message).toContain(named)
  })
})

describe('the protocol', () => {
  it('takes identity as an encoding, answers HEAD, and is not troubled by what a client accepts', async () => {
    const body = JSON.stringify({ ...QUESTION['/v1/completions'], max_tokens: 1 })
    const plain = await api.send('/v1/completions', undefined, {
      ...{ method: 'POST', body },
      headers: {
        'content-encoding': 'identity',
        'accept-encoding': 'gzip, br',
        'content-type': 'application/json; charset=utf-8',
      },
    })
    expect([plain.status, plain.headers.get('content-encoding')]).toEqual([200, null])
    const packed = await api.send('/v1/completions', undefined, {
      ...{ method: 'POST', body },
      headers: { 'content-encoding': 'gzip' },
    })
    expect(packed.status).toBe(415)
    const head = await api.send('/v1/models', undefined, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  it('ends what a client has left, and nothing of what was answered', async () => {
    const models = await api.send('/v1/models')
    await models.text()
    const { json: state } = await api.ask('/states', { base_text: 'The lease runs for ten years. ', model })
    // Hot enough that the answer does not end by itself.
    const sampling = { temperature: 5, seed: 1 }
    const long = { state_hash: state.state_hash, delta_text: 'Go on.', max_new_tokens: 400, sampling, stream: true }
    const gone = new AbortController()
    const stream = await api.send('/infer', long, { signal: gone.signal })
    await stream.body?.getReader().read()
    gone.abort()
    await expect.poll(() => signals.at(-1)?.aborted).toBe(true)
    expect(signals.slice(0, -1).filter(({ aborted }) => aborted)).toEqual([])
  })

  it('finds one model, as the npm package openai asks', async () => {
    const openai = new OpenAI({ baseURL: `${api.api.address}/v1`, apiKey: api.api.token, maxRetries: 0 })
    expect(await openai.models.retrieve(model)).toMatchObject({ id: model, object: 'model' })
    await expect(openai.models.retrieve('owner/none')).rejects.toMatchObject({ status: 404, code: 'E_UNKNOWN_MODEL' })
  })
})
