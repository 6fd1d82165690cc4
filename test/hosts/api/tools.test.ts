/** Agents that call tools, with the clients people have. The starter models call what they are told to, or what is announced. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import Anthropic from '@anthropic-ai/sdk'
import { generateText, stepCountIs, streamText, tool } from 'ai'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { startTestApi, type TestApi } from './startTestApi.ts'

let api: TestApi
let openai: OpenAI
const models = ['starter-transformer', 'starter-mamba'] as const
const [model] = models
const city = z.strictObject({ city: z.enum(['Rome', 'Oslo', 'Lima']), days: z.int().min(1).max(9) })
const parameters: Record<string, unknown> = z.toJSONSchema(city)
const weather = { name: 'get_weather', description: 'The weather of a city, for some days.', parameters }
const clock = { name: 'clock', description: 'What time it is.', parameters: { type: 'object', properties: {} } }
const tools = [weather, clock].map(one => ({ type: 'function' as const, function: one }))
const named = { type: 'function' as const, function: { name: weather.name } }
const user = (content: string) => ({ role: 'user' as const, content })
const messages = [{ role: 'system' as const, content: 'Be brief.' }, user('How is the weather in Rome?')]

beforeAll(async () => {
  api = await startTestApi()
  openai = new OpenAI({ baseURL: `${api.api.address}/v1`, apiKey: api.api.token, maxRetries: 0 })
})
afterAll(() => api.close())

describe.each(models)('chat completions of %s', of => {
  const ask = (more: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming>) =>
    openai.chat.completions.create({ model: of, messages, tools, max_completion_tokens: 120, ...more })

  it('call the tool that they are to call, with arguments that follow its schema, streamed too', async () => {
    for (const tool_choice of ['required', named] as const) {
      const { choices } = await ask({ tool_choice, tools: tools.slice(0, 1), temperature: 1.5, seed: 3 })
      const [{ message, finish_reason } = {}] = choices
      expect(finish_reason).toBe('tool_calls')
      expect(message?.content).toBe(null)
      const [call] = message?.tool_calls ?? []
      if (call?.type !== 'function') throw new Error('no call')
      expect(call.function.name).toBe(weather.name)
      expect(city.safeParse(JSON.parse(call.function.arguments)).error).toBeUndefined()
    }
    const whole = await ask({ tool_choice: named })
    const stream = openai.chat.completions.stream({
      ...{ model: of, messages, tools, tool_choice: named, max_completion_tokens: 120 },
    })
    const streamed = await stream.finalChatCompletion()
    const said = ({ choices }: OpenAI.ChatCompletion) =>
      choices.map(({ message: { content, tool_calls }, finish_reason }) => ({
        ...{ content, finish_reason },
        calls: tool_calls?.map(call => call.type === 'function' && [call.function.name, call.function.arguments]),
      }))
    expect(said(streamed)).toEqual(said(whole))
  })

  it('take what it gave, and read only what is new', async () => {
    const first = await ask({ tool_choice: named })
    const [{ message } = {}] = first.choices
    const [call] = message?.tool_calls ?? []
    if (message === undefined || call === undefined) throw new Error('no call')
    const given = { role: 'tool' as const, tool_call_id: call.id, content: 'Sunny, 21 degrees.' }
    const next = await ask({ messages: [...messages, message, given], tool_choice: 'none' })
    expect(next.choices[0]).toMatchObject({ finish_reason: expect.stringMatching(/stop|length/) })
    expect(next.choices[0]?.message.tool_calls).toBeUndefined()
    // What its call was written in may be other tokens than a text of it has: from there on it is read again.
    const cached = next.usage?.prompt_tokens_details?.cached_tokens ?? 0
    if (of === model) expect(cached).toBeGreaterThanOrEqual((first.usage?.prompt_tokens ?? 0) - 8)
    const stranger = { ...given, tool_call_id: 'call_of_nobody' }
    await expect(ask({ messages: [...messages, message, stranger] })).rejects.toMatchObject({ status: 400 })
  })

  it('that are free to call say something, or make a call that is valid', async () => {
    for (const seed of [1, 2, 3]) {
      const { choices } = await ask({ temperature: 1.5, seed, max_completion_tokens: 60 })
      for (const call of choices[0]?.message.tool_calls ?? [])
        if (call.type === 'function' && choices[0]?.finish_reason === 'tool_calls')
          expect(JSON.parse(call.function.arguments)).toBeInstanceOf(Object)
    }
  })
})

describe('an answer beside tools', () => {
  it('follows a schema where one is given, cut or not', async () => {
    const schema = { type: 'object', properties: { a: { enum: [1, 2] } }, required: ['a'] }
    const response_format = { type: 'json_schema' as const, json_schema: { name: 'answer', schema } }
    for (const tool_choice of ['none', 'auto'] as const) {
      const request = { model, messages, tools, tool_choice, response_format, max_completion_tokens: 120 }
      const [{ message, finish_reason } = {}] = (await openai.chat.completions.create(request)).choices
      if (finish_reason === 'tool_calls') expect(tool_choice).toBe('auto')
      else expect(JSON.parse(message?.content ?? '')).toEqual({ a: expect.any(Number) })
    }
    const cut = { model, messages, tools, tool_choice: named, max_completion_tokens: 40 }
    const [{ message, finish_reason } = {}] = (await openai.chat.completions.create(cut)).choices
    expect(finish_reason).toBe('length')
    expect(message?.tool_calls?.length ?? 0).toBeLessThan(2)
  })
})

describe.each(models)('responses of %s', of => {
  const told = tools.map(({ function: { name, description, parameters: given } }) => {
    return { type: 'function' as const, name, description, parameters: { ...given }, strict: true }
  })
  const request = {
    ...{ model: of, instructions: 'Be brief.', input: 'How is the weather in Rome?', max_output_tokens: 120 },
    ...{ tools: told, tool_choice: { type: 'function' as const, name: weather.name } },
  }
  const ask = (more: Partial<OpenAI.Responses.ResponseCreateParamsNonStreaming>) =>
    openai.responses.create({ ...request, ...more })
  const callIn = ({ output }: OpenAI.Responses.Response) => {
    const call = output.find(item => item.type === 'function_call')
    if (call?.type !== 'function_call') throw new Error('no call')
    return call
  }

  it('call, take what it gave by their id, read the new tokens only, and are proven from the texts on', async () => {
    const first = await ask({})
    const call = callIn(first)
    expect(call).toMatchObject({ name: weather.name, status: 'completed' })
    expect(city.safeParse(JSON.parse(call.arguments)).error).toBeUndefined()
    const given = { type: 'function_call_output' as const, call_id: call.call_id, output: 'Sunny. <|endoftext|> <s>' }
    const more = { previous_response_id: first.id, instructions: undefined, tool_choice: 'none' as const }
    const next = await ask({ ...more, input: [given] })
    expect(next.output_text).not.toBe('')
    const { input_tokens = 0, input_tokens_details } = next.usage ?? {}
    expect(input_tokens - (input_tokens_details?.cached_tokens ?? 0)).toBeLessThan(60)
    const last = await ask({
      ...more,
      previous_response_id: next.id,
      input: 'And in Oslo?',
      tool_choice: request.tool_choice,
    })
    expect(callIn(last).status).toBe('completed')
    for (const { id } of [first, next, last]) {
      const verified = await api.client.call('packets.verify', { ref: id.slice('resp_'.length), level: 'recomputed' })
      expect(verified).toMatchObject({ ok: true, level: 'recomputed' })
    }
    // The whole conversation at once is one, too.
    const { id: _, ...said } = call
    const atOnce = await ask({ input: [{ role: 'user', content: request.input }, said, given], tool_choice: 'none' })
    const ref = atOnce.id.slice('resp_'.length)
    expect(await api.client.call('packets.verify', { ref, level: 'recomputed' })).toMatchObject({ ok: true })
  })

  it('stream the same, in the order that clients expect', async () => {
    const whole = callIn(await ask({}))
    const stream = openai.responses.stream(request)
    const types: string[] = []
    let written = ''
    stream.on('event', event => types.push(event.type))
    stream.on('response.function_call_arguments.delta', ({ delta }) => {
      written += delta
    })
    const final = callIn(await stream.finalResponse())
    expect([final.name, final.arguments]).toEqual([whole.name, whole.arguments])
    expect(written).toBe(whole.arguments)
    expect(types.filter((type, i) => type !== types[i - 1])).toEqual([
      ...['response.created', 'response.in_progress', 'response.output_item.added'],
      ...['response.function_call_arguments.delta', 'response.function_call_arguments.done'],
      ...['response.output_item.done', 'response.completed'],
    ])
  })

  it('keep the tools that they began with, and say how others are had', async () => {
    const { id: previous_response_id } = await ask({})
    const more = { previous_response_id, instructions: undefined }
    await expect(ask({ ...more, tools: told.slice(0, 1) })).rejects.toMatchObject({
      ...{ status: 422, code: 'E_NOT_SUPPORTED', message: expect.stringContaining('whole conversation') },
    })
    const nobody = { type: 'function_call_output' as const, call_id: 'call_1', output: 'Sunny.' }
    const { id: said } = await ask({ tool_choice: 'none' })
    const unasked = ask({ ...more, previous_response_id: said, input: [nobody] })
    await expect(unasked).rejects.toMatchObject({ status: 400, code: 'E_BAD_INPUT' })
  })
})

describe('clients unchanged', () => {
  it('openai runs tools', async () => {
    const asked: unknown[] = []
    const run = openai.chat.completions.runTools({
      ...{ model, messages, max_completion_tokens: 120, tool_choice: named },
      tools: [
        {
          type: 'function',
          function: {
            ...weather,
            parse: (text: string) => city.parse(JSON.parse(text)),
            function: (given: z.infer<typeof city>) => {
              asked.push(given)
              return 'Sunny.'
            },
          },
        },
      ],
    })
    await run.done()
    expect(asked.length).toBe(1)
  })

  it('Anthropic’s: uses a tool, takes its result, streams', async () => {
    const anthropic = new Anthropic({ baseURL: api.api.address, apiKey: api.api.token, maxRetries: 0 })
    const request = {
      ...{ model, max_tokens: 120, system: 'Be brief.', messages: [user('How is the weather in Rome?')] },
      tools: [
        {
          name: weather.name,
          description: weather.description,
          input_schema: parameters as Anthropic.Tool.InputSchema,
        },
      ],
      tool_choice: { type: 'any' as const },
    }
    const first = await anthropic.messages.create(request)
    expect(first.stop_reason).toBe('tool_use')
    const [use] = first.content
    if (use?.type !== 'tool_use') throw new Error('no use')
    expect(city.safeParse(use.input).error).toBeUndefined()
    const streamed = await anthropic.messages.stream(request).finalMessage()
    expect(streamed.content).toMatchObject([{ type: 'tool_use', name: use.name, input: use.input }])
    expect(streamed.stop_reason).toBe('tool_use')
    const result = { type: 'tool_result' as const, tool_use_id: use.id, content: 'No such city.', is_error: true }
    const next = await anthropic.messages.create({
      ...{ ...request, tool_choice: { type: 'none' as const } },
      messages: [
        ...request.messages,
        { role: 'assistant', content: first.content },
        { role: 'user', content: [result, { type: 'text', text: 'And in Oslo?' }] },
      ],
    })
    expect(next.content).toMatchObject([{ type: 'text' }])
    expect(next.usage.cache_read_input_tokens).toBeGreaterThan(100)
    const named = await anthropic.messages.create({ ...request, tool_choice: { type: 'tool', name: weather.name } })
    expect(named.stop_reason).toBe('tool_use')
  })

  it('the AI SDK: calls, takes what it gave, goes on; streams', async () => {
    const provider = createOpenAICompatible({
      ...{ name: 'statepack', baseURL: `${api.api.address}/v1`, apiKey: api.api.token },
    })
    const asked: unknown[] = []
    const request = {
      model: provider(model),
      prompt: 'How is the weather in Rome?',
      maxOutputTokens: 120,
      toolChoice: 'required' as const,
      stopWhen: stepCountIs(2),
      tools: {
        get_weather: tool({
          description: weather.description,
          inputSchema: city,
          execute: given => {
            asked.push(given)
            return 'Sunny.'
          },
        }),
      },
    }
    const { steps } = await generateText(request)
    expect(steps.map(({ toolResults }) => toolResults.length)).toEqual([1, 1])
    const streamed = streamText(request)
    expect((await streamed.steps).map(({ toolResults }) => toolResults.length)).toEqual([1, 1])
    expect(asked.length).toBe(4)
    expect(asked[2]).toEqual(asked[0])
  })
})

describe('a tool', () => {
  const post = (more: object) => api.ask('/v1/chat/completions', { model, messages, max_tokens: 4, ...more })
  const one = (more: object) => ({ type: 'function', function: { name: 'f', ...more } })

  it.each([
    ['whose schema cannot be followed', { tools: [one({ parameters: { type: 'object', not: {} } })] }, 422, /“f”.*not/],
    ['that takes no object', { tools: [one({ parameters: { type: 'string' } })] }, 400, /“f”.*object/],
    ['whose name is none', { tools: [one({ name: 'a b' })] }, 400, /tools.*name/],
    ['that has the name of another', { tools: [one({}), one({})] }, 400, /one name/],
    [
      'of which there are too many',
      { tools: Array.from({ length: 129 }, (_, i) => one({ name: `f${i}` })) },
      400,
      /tools/,
    ],
    ['that is no function', { tools: [{ type: 'custom', custom: { name: 'f' } }] }, 400, /no function/],
    ['that is to be called and is none', { tools: [one({})], tool_choice: named }, 400, /none of the tools/],
    ['that is to be called where there is none', { tool_choice: 'required' }, 400, /no tool/],
  ])('%s is refused by what is wrong', async (_, more, status, told) => {
    const refused = await post(more)
    expect(refused.status).toBe(status)
    expect(refused.json.error.message).toMatch(told)
  })

  it('that was begun with cannot be told otherwise afterwards', async () => {
    const tools = [{ name: 'f', description: 'What it is.' }]
    const begun = { model, delta: 'Who?', chat: true, tools, toolChoice: 'required' as const }
    const { newPacketId, toolCall } = await api.client.call('packets.infer', { ...begun, maxNewTokens: 60 })
    expect(toolCall).toEqual({ name: 'f', arguments: '{}', isWhole: true })
    expect(await api.client.call('packets.verify', { ref: newPacketId ?? '', level: 'recomputed' })).toMatchObject({
      ok: true,
    })
  })
})
