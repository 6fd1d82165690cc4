import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { HumanMessage, SystemMessage } from '@langchain/core/messages'
import { ChatOpenAI } from '@langchain/openai'
import { generateText, streamText } from 'ai'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundledText } from '../../engine/testEngine.ts'
import { readEvents, startTestApi, type TestApi } from './startTestApi.ts'

let api: TestApi
let openai: OpenAI
let text = ''
let questions: readonly (readonly [string, string])[] = []
const models = ['starter-transformer', 'starter-mamba'] as const

beforeAll(async () => {
  api = await startTestApi()
  openai = new OpenAI({ baseURL: `${api.api.address}/v1`, apiKey: api.api.token, maxRetries: 0 })
  ;({ text, questions } = await bundledText('contract'))
})
afterAll(() => api.close())

const asked = (...said: string[]) =>
  said.map((content, i) => ({ role: i % 2 === 0 ? ('user' as const) : ('assistant' as const), content }))
const system = () => ({ role: 'system' as const, content: text })

describe.each(models)('chat completions of %s', model => {
  it('read a conversation once: the next turn reads what is new', async () => {
    const [first = '', second = ''] = questions.map(([question]) => question)
    const messages = [system(), ...asked(first)]
    const one = await openai.chat.completions.create({ model, messages, max_completion_tokens: 24 })
    const answer = one.choices[0]?.message.content ?? ''
    expect(answer).toBe(answer.trim())
    expect(answer).not.toBe('')
    const prompt = one.usage?.prompt_tokens ?? 0
    const next = await openai.chat.completions.create({
      ...{ model, max_completion_tokens: 24 },
      messages: [...messages, ...asked(first, answer, second).slice(1)],
    })
    const { prompt_tokens = 0, prompt_tokens_details } = next.usage ?? {}
    const cached = prompt_tokens_details?.cached_tokens ?? 0
    expect(cached).toBeGreaterThanOrEqual(prompt - 8)
    expect(prompt_tokens - cached).toBeLessThan(40)
  })

  it('give the same answer however much of it was known', async () => {
    const [, second = ''] = questions.map(([question]) => question)
    const request = { model, messages: [system(), ...asked(second)], max_completion_tokens: 16 }
    const warm = await openai.chat.completions.create(request)
    const fresh = await startTestApi()
    const cold = await new OpenAI({
      baseURL: `${fresh.api.address}/v1`,
      apiKey: fresh.api.token,
    }).chat.completions.create(request)
    await fresh.close()
    expect(cold.usage?.prompt_tokens_details?.cached_tokens).toBe(0)
    expect(warm.choices).toEqual(cold.choices)
  })
})

describe('the npm package openai', () => {
  const model = models[0]
  it('streams, and counts when asked', async () => {
    const request = { model, messages: asked('Who lives here?'), max_completion_tokens: 8 }
    const whole = await openai.chat.completions.create(request)
    const stream = await openai.chat.completions.create({
      ...request,
      stream: true,
      stream_options: { include_usage: true },
    })
    let streamed = ''
    let usage: OpenAI.CompletionUsage | null | undefined
    for await (const chunk of stream) {
      streamed += chunk.choices[0]?.delta.content ?? ''
      usage = chunk.usage
    }
    expect(streamed).toBe(whole.choices[0]?.message.content)
    expect(usage?.completion_tokens).toBe(whole.usage?.completion_tokens)
  })

  it('has completions, forks with log-probabilities, models, and errors by name', async () => {
    const completed = await openai.completions.create({
      model,
      prompt: 'The lease',
      max_tokens: 4,
      logprobs: 2,
      stop: ['zzz'],
    })
    expect(completed.choices[0]?.logprobs?.tokens?.join('')).toBe(completed.choices[0]?.text)
    const forks = await openai.chat.completions.create({
      ...{ model, messages: asked('Who lives here?'), max_completion_tokens: 6, n: 3, temperature: 1.5, seed: 7 },
      ...{ logprobs: true, top_logprobs: 2 },
    })
    expect(forks.choices.length).toBe(3)
    expect(new Set(forks.choices.map(({ message }) => message.content)).size).toBeGreaterThan(1)
    for (const { logprobs } of forks.choices)
      for (const { logprob, top_logprobs } of logprobs?.content ?? []) {
        expect(logprob).toBeLessThanOrEqual(0)
        expect(top_logprobs.length).toBe(2)
      }
    expect((await openai.models.list()).data.map(({ id }) => id)).toContain(model)
    const refused = openai.chat.completions.create({ model, messages: asked('Hi'), frequency_penalty: 1 })
    await expect(refused).rejects.toMatchObject({
      status: 400,
      code: 'E_BAD_INPUT',
      message: expect.stringContaining('frequency_penalty'),
    })
    const tools = [{ type: 'custom' as const, custom: { name: 'f' } }]
    const tool = openai.chat.completions.create({ model, messages: asked('Hi'), tools })
    await expect(tool).rejects.toMatchObject({ status: 400, message: expect.stringContaining('tools') })
    const unknown = openai.chat.completions.create({ model: 'gpt-4o', messages: asked('Hi'), stream: true })
    await expect(unknown).rejects.toMatchObject({ status: 404, code: 'E_UNKNOWN_MODEL' })
  })

  it('keeps to seed, stop and n', async () => {
    const request = { model, messages: asked('Who lives here?'), max_completion_tokens: 8, temperature: 1.5 }
    const said = async (more: { seed: number; n?: number }) =>
      (await openai.chat.completions.create({ ...request, ...more })).choices.map(({ message }) => message.content)
    const forks = await said({ seed: 7, n: 3 })
    expect(await said({ seed: 7, n: 3 })).toEqual(forks)
    // Each fork is an answer of its own to the same question, with a seed of its own.
    expect([await said({ seed: 7 }), await said({ seed: 8 }), await said({ seed: 9 })].flat()).toEqual(forks)

    const prompt = 'The lease'
    const { choices } = await openai.completions.create({ model, prompt, max_tokens: 12 })
    const whole = choices[0]?.text ?? ''
    const stop = whole.slice(3, 6)
    expect(stop.length).toBe(3)
    const stopped = await openai.completions.create({ model, prompt, max_tokens: 12, stop })
    expect(stopped.choices[0]).toMatchObject({ text: whole.slice(0, whole.indexOf(stop)), finish_reason: 'stop' })
  })

  it('asks a cartridge by name, and goes on from the state it is given', async () => {
    const state = { state: 'contract' }
    await api.ask('/states', { messages: [system()], model, name: 'contract' })
    const [[question = '', expected = ''] = [], [second = ''] = []] = questions
    const one = await openai.chat.completions.create({
      messages: asked(question),
      max_completion_tokens: 24,
      ...state,
    } as never)
    expect((one as OpenAI.ChatCompletion).choices[0]?.message.content).toContain(expected.replace(/\.$/, ''))
    const after = { state: (one as unknown as { state: string }).state }
    const next = (await openai.chat.completions.create({
      ...{ messages: asked(second), max_completion_tokens: 8, ...after },
    } as never)) as OpenAI.ChatCompletion
    expect(next.usage?.prompt_tokens_details?.cached_tokens).toBeGreaterThan(100)
  })
})

describe('other clients', () => {
  const model = models[0]
  it('LangChain: answers, streams, and sees what was spared', async () => {
    const chat = new ChatOpenAI({
      ...{ model, apiKey: api.api.token, maxTokens: 8, maxRetries: 0 },
      configuration: { baseURL: `${api.api.address}/v1` },
    })
    const messages = [new SystemMessage(text), new HumanMessage(questions[0]?.[0] ?? '')]
    const answer = await chat.invoke(messages)
    let streamed = ''
    for await (const chunk of await chat.stream(messages)) streamed += chunk.content
    expect(streamed).toBe(answer.content)
    const again = await chat.invoke(messages)
    expect(again.usage_metadata?.input_token_details?.cache_read).toBeGreaterThan(100)
  })

  it('the AI SDK: answers, streams, and sees what was spared', async () => {
    const provider = createOpenAICompatible({
      name: 'statepack',
      apiKey: api.api.token,
      baseURL: `${api.api.address}/v1`,
      includeUsage: true,
    })
    const request = { model: provider(model), system: text, prompt: questions[0]?.[0] ?? '', maxOutputTokens: 8 }
    const answer = await generateText(request)
    const stream = streamText(request)
    let streamed = ''
    for await (const piece of stream.textStream) streamed += piece
    expect(streamed).toBe(answer.text)
    expect((await stream.usage).inputTokenDetails.cacheReadTokens).toBeGreaterThan(100)
  })
})

it('streams by the default model say which it is from the first piece on', async () => {
  const { defaultModel } = await api.client.call('settings.get', {})
  for (const [route, sent] of Object.entries({
    '/v1/completions': { prompt: text },
    '/v1/chat/completions': { messages: [system(), ...asked(questions[0]?.[0] ?? '')] },
  })) {
    const events = await readEvents(await api.send(route, { ...sent, max_tokens: 3, stream: true }))
    const named = events.flatMap(({ data }) => (typeof data === 'string' ? [] : [data.model]))
    expect(named.length, route).toBeGreaterThan(1)
    expect(new Set(named), route).toEqual(new Set([defaultModel]))
  }
  const sent = { input: questions[0]?.[0], max_output_tokens: 3, stream: true }
  const events = await readEvents(await api.send('/v1/responses', sent))
  const told = events.flatMap(({ data }) => data.response ?? [])
  expect(told.length).toBe(3)
  expect(new Set(told.map(({ model }) => model))).toEqual(new Set([defaultModel]))
  expect(new Set(told.map(({ created_at }) => created_at)).size).toBe(1)
})
