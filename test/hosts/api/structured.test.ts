/** Answers that follow a JSON schema, as programs ask for them. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText, Output } from 'ai'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { SCHEMAS } from '../../engine/inference/grammar/schemas.ts'
import { readEvents, startTestApi, type TestApi } from './startTestApi.ts'

let api: TestApi
let openai: OpenAI
const models = ['starter-transformer', 'starter-mamba'] as const
const messages = [{ role: 'user' as const, content: 'Who is the manager of the contract Alder, and since when?' }]
const named = (schema: Record<string, unknown>) => ({ name: 'answer', schema, strict: true })
const format = (schema: Record<string, unknown>) => ({ type: 'json_schema' as const, json_schema: named(schema) })
const validated = (schema: object, text: string) =>
  z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]).safeParse(JSON.parse(text)).error

beforeAll(async () => {
  api = await startTestApi()
  openai = new OpenAI({ baseURL: `${api.api.address}/v1`, apiKey: api.api.token, maxRetries: 0 })
})
afterAll(() => api.close())

describe.each(models)('an answer of %s', model => {
  it.each(Object.entries(SCHEMAS))('follows the schema of %s, with others beside it', async (called, schema) => {
    const request = { model, messages, response_format: format(schema), max_tokens: 300 }
    const sampled = (process.env.DEEP === '1' ? [1, 2, 3, 4, 5, 6, 7] : [1]).map(seed => ({
      ...request,
      temperature: 1.5,
      seed,
    }))
    const answers = await Promise.all([request, ...sampled].map(one => api.ask('/v1/chat/completions', one)))
    let whole = 0
    for (const { json } of answers) {
      const [{ message, finish_reason }] = json.choices
      // One that came to no end is cut like any other, and says so.
      if (finish_reason === 'length') expect(json.usage.completion_tokens).toBe(300)
      else expect({ message, error: validated(schema, message.content) }).toMatchObject({ error: undefined })
      if (finish_reason === 'stop') whole += 1
    }
    // Only a tree may grow for ever.
    if (called !== 'a tree') expect(whole).toBe(answers.length)
  })

  it('is the same each time, streamed too, and forks', async () => {
    const schema = SCHEMAS['objects in objects'] ?? {}
    const request = { model, messages, response_format: format(schema), max_tokens: 200 }
    const first = (await api.ask('/v1/chat/completions', request)).json
    const again = (await api.ask('/v1/chat/completions', request)).json
    expect(again.choices).toEqual(first.choices)
    const events = await readEvents(await api.send('/v1/chat/completions', { ...request, stream: true }))
    const text = events.map(({ data }) => data.choices?.[0]?.delta?.content ?? '').join('')
    expect(text).toBe(first.choices[0].message.content)
    const forks = (await api.ask('/v1/chat/completions', { ...request, n: 3, temperature: 1, seed: 5 })).json.choices
    expect(forks.length).toBe(3)
    for (const { message } of forks) expect(validated(schema, message.content)).toBeUndefined()
  })

  it('that is cut says that it is, and the conversation goes on from it', async () => {
    const schema = SCHEMAS['objects in objects'] ?? {}
    const cut = await api.ask('/v1/chat/completions', {
      model,
      messages,
      response_format: format(schema),
      max_tokens: 3,
    })
    expect(cut.json.choices[0].finish_reason).toBe('length')
    expect(() => JSON.parse(cut.json.choices[0].message.content)).toThrow()
    const text = { format: { type: 'json_schema', ...named(schema) } }
    const response = await api.ask('/v1/responses', { model, input: 'Who?', text, max_output_tokens: 200 })
    const [{ content }] = response.json.output
    expect(response.json.status).toBe('completed')
    expect(validated(schema, content[0].text)).toBeUndefined()
    const previous_response_id = response.json.id
    const next = await api.ask('/v1/responses', { previous_response_id, input: 'And when?', max_output_tokens: 4 })
    expect(next.json.usage.input_tokens_details.cached_tokens).toBeGreaterThan(8)
  })

  it('is any JSON object where no schema is given', async () => {
    const request = { model, messages, response_format: { type: 'json_object' }, max_tokens: 400 }
    const { json } = await api.ask('/v1/chat/completions', request)
    const [{ message, finish_reason }] = json.choices
    expect(message.content).toMatch(/^\{/)
    if (finish_reason === 'stop') expect(typeof JSON.parse(message.content)).toBe('object')
    else expect(json.usage.completion_tokens).toBe(400)
  })
})

describe('a schema', () => {
  it('that cannot be followed is refused by what it has, before anything is read', async () => {
    const before = (await api.client.call('receipts.list', {})).total
    for (const [schema, told] of [
      [{ type: 'object', properties: { a: { type: 'array', uniqueItems: true } } }, /uniqueItems.*#\/properties\/a/],
      [{ oneOf: [{ type: 'string' }] }, /oneOf/],
    ] as const) {
      const refused = await api.ask('/v1/chat/completions', { messages, response_format: format(schema) })
      expect([refused.status, refused.json.error.code]).toEqual([422, 'E_NOT_SUPPORTED'])
      expect(refused.json.error.message).toMatch(told)
    }
    const other = await api.ask('/v1/chat/completions', { messages, response_format: { type: 'xml' } })
    expect(other).toMatchObject({ status: 400, json: { error: { code: 'E_BAD_INPUT' } } })
    expect((await api.client.call('receipts.list', {})).total).toBe(before)
  })

  it('is in the receipt by its digest, and such a receipt says why it is not run again', async () => {
    const input = { model: 'starter-transformer', delta: 'Who?', chat: true, jsonSchema: { type: 'boolean' } }
    const { receipt, output } = await api.client.call('packets.infer', input)
    expect(['true', 'false']).toContain(output)
    const { statement } = await api.client.call('receipts.get', { id: receipt.receipt_id })
    expect(JSON.stringify(statement)).toMatch(/"json_schema_sha256":"(sha256:)?[0-9a-f]{64}"/)
    await expect(api.client.call('receipts.replay', { id: receipt.receipt_id })).rejects.toMatchObject({
      code: expect.stringMatching(/E_NOT_SUPPORTED|E_NOT_FOUND/),
    })
  })
})

describe('clients unchanged', () => {
  const answer = z.object({ name: z.string().max(24), flats: z.array(z.int().min(0).max(9)).max(3) })

  it('openai parses', async () => {
    const response_format = { type: 'json_schema' as const, json_schema: named({ ...z.toJSONSchema(answer) }) }
    const { choices } = await openai.chat.completions.parse({
      ...{ model: 'starter-transformer', messages, response_format, max_completion_tokens: 200 },
    })
    expect(answer.safeParse(choices[0]?.message.parsed ?? JSON.parse(choices[0]?.message.content ?? '')).error).toBe(
      undefined,
    )
  })

  it('the AI SDK has an object', async () => {
    const provider = createOpenAICompatible({
      ...{ name: 'statepack', baseURL: `${api.api.address}/v1`, apiKey: api.api.token },
      supportsStructuredOutputs: true,
    })
    const { output } = await generateText({
      model: provider('starter-transformer'),
      output: Output.object({ schema: answer }),
      prompt: 'Who lives here?',
      maxOutputTokens: 200,
    })
    expect(answer.safeParse(output).error).toBeUndefined()
  })
})
