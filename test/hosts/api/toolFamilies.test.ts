/** Tools over `/v1/chat/completions` in the forms of the families that people run: in, called, answered, and gone on with. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ASSETS } from '../../engine/testEngine.ts'
import { TOOL_FORMATS } from '../../model/toolTemplates.ts'
import { startTestApi, type TestApi } from './startTestApi.ts'

const FAMILIES = ['Qwen', 'Qwen 3', 'Llama 3.1', 'Hermes', 'Mistral 0.3', 'marked name']
const families = TOOL_FORMATS.filter(({ name }) => FAMILIES.includes(name))
const city = z.strictObject({ city: z.enum(['Rome', 'Oslo', 'Lima']), days: z.int().min(1).max(9) })
const weather = { name: 'get_weather', description: 'The weather of a city.', parameters: z.toJSONSchema(city) }
const clock = { name: 'clock', description: 'What time it is.', parameters: { type: 'object', properties: {} } }
const tools = [weather, clock].map(one => ({ type: 'function' as const, function: one as OpenAI.FunctionDefinition }))
const named = { type: 'function' as const, function: { name: weather.name } }
const messages = [
  { role: 'system' as const, content: 'Be brief.' },
  { role: 'user' as const, content: 'How is the weather in Rome?' },
]

let folder: string
let api: TestApi
let openai: OpenAI
const modelOf = (family: string) => family.toLowerCase().replaceAll(' ', '-')

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'statepack-families-'))
  const change = async (file: string, members: object) =>
    writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...members }))
  for (const { name, template } of families) {
    const model = join(folder, modelOf(name))
    await cp(join(ASSETS, 'models', 'starter-transformer'), model, { recursive: true })
    await change(join(model, 'tokenizer_config.json'), { chat_template: template })
    // The end of a line ends no answer here.
    for (const file of ['config.json', 'generation_config.json']) await change(join(model, file), { eos_token_id: 0 })
  }
  api = await startTestApi({}, { modelFolders: [folder] })
  openai = new OpenAI({ baseURL: `${api.api.address}/v1`, apiKey: api.api.token, maxRetries: 0 })
})
afterAll(async () => {
  await api.close()
  await rm(folder, { recursive: true, force: true })
})

/** What the state of an answer has read; that is in memory, and looked at once it was gone on with. */
async function textOf(answer: OpenAI.ChatCompletion): Promise<string> {
  const { state: state_hash } = answer as unknown as { state: string }
  const { json } = await api.ask('/merge', { state_hash, delta_text: 'The end.' })
  return (await api.client.call('packets.inspect', { ref: json.new_state_hash })).text
}

describe.each(families)('$name', ({ name, call: written }) => {
  const model = modelOf(name)
  const ask = (more: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming>) =>
    openai.chat.completions.create({ model, messages, tools, max_completion_tokens: 120, ...more })
  /** A call of another tool in the family's form. */
  const inForm = (called: string) => written.slice(0, written.indexOf('{"a"')).replace(/\bf(?=["[])/, called)

  it('is told of tools, calls one in its form, reads what it gave, and goes on', async () => {
    const first = await ask({ tool_choice: named })
    const [{ message, finish_reason } = {}] = first.choices
    const [call] = message?.tool_calls ?? []
    if (message === undefined || call?.type !== 'function') throw new Error('no call')
    expect([finish_reason, message.content, call.function.name]).toEqual(['tool_calls', null, weather.name])
    expect(city.safeParse(JSON.parse(call.function.arguments)).error).toBeUndefined()
    const text = await textOf(first)
    for (const told of [weather.description, clock.description, inForm(weather.name)]) expect(text).toContain(told)

    const given = { role: 'tool' as const, tool_call_id: call.id, content: 'Sunny, 21 degrees.' }
    const second = await ask({ messages: [...messages, message, given], tool_choice: 'none', max_completion_tokens: 4 })
    expect(second.choices[0]?.message.tool_calls).toBeUndefined()
    const after = await textOf(second)
    // All of the conversation is in it once, the call as the model wrote it, in the order that it had.
    const order = [weather.description, messages[1]?.content ?? '', inForm(weather.name), 'Sunny, 21 degrees.']
    const at = order.map(said => after.lastIndexOf(said))
    expect(at).not.toContain(-1)
    expect(at.slice(1)).toEqual(at.slice(1).toSorted((a, b) => a - b))
    expect(after.split('Sunny, 21 degrees.').length).toBe(2)
    // What was read before the call is not read again: nothing in front of it has moved.
    const cached = second.usage?.prompt_tokens_details?.cached_tokens ?? 0
    expect(cached).toBeGreaterThanOrEqual((first.usage?.prompt_tokens ?? 0) - 8)

    const third = await ask({
      messages: [...messages, message, given, { role: 'user', content: 'And in Oslo?' }],
      tool_choice: 'required',
    })
    expect(third.choices[0]?.finish_reason).toBe('tool_calls')
  })

  it('streams the same call, its name first', async () => {
    const whole = await ask({ tool_choice: named })
    const stream = openai.chat.completions.stream({
      model,
      messages,
      tools,
      tool_choice: named,
      max_completion_tokens: 120,
    })
    const pieces: string[] = []
    stream.on('chunk', ({ choices }) => {
      const [{ function: told } = {}] = choices[0]?.delta.tool_calls ?? []
      if (told !== undefined) pieces.push(told.name ?? told.arguments ?? '')
    })
    const final = await stream.finalChatCompletion()
    const said = ({ choices: [choice] }: OpenAI.ChatCompletion) =>
      choice?.message.tool_calls?.map(call => call.type === 'function' && [call.function.name, call.function.arguments])
    expect(said(final)).toEqual(said(whole))
    expect(pieces[0]).toBe(weather.name)
    expect(pieces.slice(1).join('')).toBe(
      final.choices[0]?.message.tool_calls?.map(call => call.type === 'function' && call.function.arguments)[0],
    )
  })

  it('takes two calls and what they gave in one turn, where its form has them', async () => {
    const calls = ['Rome', 'Oslo'].map((city, i) => ({
      ...{ id: `call_${i}`, type: 'function' as const },
      function: { name: weather.name, arguments: JSON.stringify({ city, days: 1 }) },
    }))
    const given = calls.map(({ id }, i) => ({ role: 'tool' as const, tool_call_id: id, content: `It is ${i} there.` }))
    const conversation = [...messages, { role: 'assistant' as const, content: null, tool_calls: calls }, ...given]
    const asked = ask({ messages: conversation, tool_choice: 'none', max_completion_tokens: 4 })
    if (name.startsWith('Llama')) return expect(asked).rejects.toMatchObject({ message: /One call at a time/ })
    const text = await textOf(await asked)
    const at = ['"Rome"', '"Oslo"', 'It is 0 there.', 'It is 1 there.'].map(said => text.lastIndexOf(said))
    expect(at).not.toContain(-1)
    expect(at).toEqual(at.toSorted((a, b) => a - b))
    if (name === 'Qwen 3') expect(text.match(/<\|im_start\|>user\n<tool_response>/g)?.length).toBe(1)
  })
})
