import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundledText } from '../../engine/testEngine.ts'
import { startTestApi, type TestApi } from './startTestApi.ts'

let api: TestApi
let openai: OpenAI
let folder = ''
let text = ''
let questions: string[] = []

/** What happens once the next answer has begun, and once it is whole and not kept yet. */
let meanwhile: { begun?: () => Promise<unknown>; whole?: () => Promise<unknown> } = {}
const take = async (when: keyof typeof meanwhile) => {
  const { [when]: happens } = meanwhile
  delete meanwhile[when]
  await happens?.()
}

const open = async () => {
  api = await startTestApi({}, { folder }, engine => ({
    ...engine,
    async call(method, input, options) {
      if (method === 'answers.keep') await take('whole')
      if (method !== 'packets.infer') return engine.call(method, input, options)
      const onItem = async (item: unknown) => {
        await take('begun')
        return options.onItem?.(item)
      }
      return engine.call(method, input, { ...options, onItem })
    },
  }))
  openai = new OpenAI({ baseURL: `${api.api.address}/v1`, apiKey: api.api.token, maxRetries: 0 })
}
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'statepack-responses-'))
  const bundled = await bundledText('contract')
  text = bundled.text
  questions = bundled.questions.map(([question]) => question)
  await open()
})
afterAll(async () => {
  await api.close()
  await rm(folder, { recursive: true, force: true })
})

describe.each(['starter-transformer', 'starter-mamba'])('responses of %s', model => {
  const ask = (more: Partial<OpenAI.Responses.ResponseCreateParamsNonStreaming> & { state?: string }) =>
    openai.responses.create({ model, max_output_tokens: 12, ...more })

  it('go on by their id and read the new tokens only, also after a restart', async () => {
    const [first = '', second = '', third = ''] = questions
    const one = await ask({ instructions: text, input: first })
    expect(one.output_text).not.toBe('')
    expect(one.id).toMatch(/^resp_[0-9a-f]{64}$/)
    const two = await ask({ previous_response_id: one.id, input: second })
    const known = (one.usage?.total_tokens ?? 0) - 2
    expect(two.usage?.input_tokens_details.cached_tokens).toBeGreaterThanOrEqual(known)
    const again = await ask({ previous_response_id: two.id, input: third })
    await api.close()
    await open()
    const three = await ask({ previous_response_id: two.id, input: third })
    expect(three.output_text).toBe(again.output_text)
    expect(three.id).toBe(again.id)
    expect(three.usage).toEqual(again.usage)
  })

  it('read in 40 steps exactly the tokens of the state loop, counted at the session', async () => {
    const before = (await api.client.call('receipts.list', { op: 'infer', limit: 1 })).total
    let id: string | undefined
    for (let step = 1; step <= 40; step++) {
      const begin = id === undefined ? { instructions: `Loop. ${text}` } : { previous_response_id: id }
      id = (await ask({ ...begin, input: `Clause ${step} affects notice.`, max_output_tokens: 1 })).id
    }
    const { receipts, total } = await api.client.call('receipts.list', { op: 'infer', limit: 40 })
    expect(total).toBe(before + 40)
    const processed = receipts.map(({ tokens }) => tokens?.processed ?? 0)
    const { json } = await api.ask(`/states/${id?.replace('resp_', '')}`)
    // The whole conversation with its answers, every token of it once: base + delta · 40.
    expect(processed.reduce((sum, tokens) => sum + tokens, 0)).toBe(json.tokens)
    expect(Math.max(...processed.slice(0, 39))).toBeLessThan(40)
  })

  it('are proven from the texts on, a conversation that was read at once too', async () => {
    const [first = '', second = ''] = questions
    const said = [
      { role: 'user' as const, content: `${first} <|im_end|> <s>` },
      { role: 'assistant' as const, content: 'It is the tenant.' },
      { role: 'user' as const, content: second },
    ]
    const answered = await ask({ instructions: text, input: said })
    const ref = answered.id.slice('resp_'.length)
    const verified = await api.client.call('packets.verify', { ref, level: 'recomputed' })
    expect(verified).toMatchObject({ ok: true, level: 'recomputed' })
    const next = await ask({ previous_response_id: answered.id, input: first })
    expect(next.output_text).not.toBe('')
  })

  it('stream the same, under an id that lasts; stored or in memory', async () => {
    const request = { instructions: text, input: questions[1] ?? '' }
    const whole = await ask(request)
    for (const store of [true, false]) {
      const stream = openai.responses.stream({ model, max_output_tokens: 12, ...request, store })
      let streamed = ''
      stream.on('response.output_text.delta', ({ delta }) => {
        streamed += delta
      })
      const final = await stream.finalResponse()
      expect(streamed).toBe(whole.output_text)
      expect(final.output_text).toBe(whole.output_text)
      const next = await ask({ previous_response_id: final.id, input: questions[2] ?? '' })
      const after = await ask({ previous_response_id: whole.id, input: questions[2] ?? '' })
      expect(next.output_text).toBe(after.output_text)
      if (!store) continue
      await api.close()
      await open()
      const later = await ask({ previous_response_id: final.id, input: questions[2] ?? '' })
      expect(later.output_text).toBe(after.output_text)
    }
  })

  it('are kept for their time, unless what they led to is made, or named, by itself', async () => {
    const { retained } = api.engine.state.store.library
    const later = Date.now() + 60_000
    const isLoose = (id: string | undefined) => retained.loose(later, later).some(({ packetId }) => packetId === id)
    const packetOf = async (state: string) => (await api.ask(`/states/${state}`)).json.packet_id
    const { id } = await ask({ instructions: `Kept. ${text}`, input: questions[0] ?? '' })
    const state = id.slice('resp_'.length)
    const kept = await packetOf(state)
    expect(isLoose(kept)).toBe(true)
    await api.ask(`/states/${state}`, { name: `kept of ${model}` })
    expect(isLoose(kept)).toBe(false)
    // A state that a program makes is its own, and stays when an answer leads there, too.
    const sent = {
      state_hash: state,
      messages: [{ role: 'user', content: 'When?' }],
      max_new_tokens: 12,
      keep_output: true,
    }
    const { new_state_hash: made } = (await api.ask('/infer', sent)).json
    const next = await ask({ previous_response_id: id, input: 'When?' })
    expect(next.id).toBe(`resp_${made.replace('sha256:', '')}`)
    expect(isLoose(await packetOf(made))).toBe(false)
  })

  it('are given back as they were told, streamed or not, also after a restart, and what they were asked', async () => {
    const tool = {
      type: 'function' as const,
      name: 'clock',
      parameters: { type: 'object', properties: {} },
      strict: true,
    }
    const input: OpenAI.Responses.ResponseInput = [
      { role: 'developer', content: text },
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'One part.' },
          { type: 'input_text', text: 'Another \u{1f600}.' },
        ],
      },
      { role: 'assistant', content: 'So it is.' },
      { role: 'user', content: 'What time is it?' },
      { type: 'function_call', call_id: 'call_1', name: 'clock', arguments: '{}' },
      { type: 'function_call_output', call_id: 'call_1', output: 'Noon.' },
    ]
    const more = { input, tools: [tool], metadata: { run: 'one' }, max_output_tokens: 60 }
    const whole = await ask({ ...more, tool_choice: 'required' })
    const stream = openai.responses.stream({ model, ...more })
    const { output_parsed: _, ...streamed } = await stream.finalResponse()
    const on = await ask({ previous_response_id: whole.id, input: [{ type: 'function_call_output', ...noon(whole) }] })
    await api.close()
    await open()
    expect(whole.output.map(({ type }) => type)).toContain('function_call')
    expect(await openai.responses.retrieve(whole.id)).toEqual(whole)
    const again = await openai.responses.retrieve(streamed.id)
    expect(again).toMatchObject({ id: streamed.id, usage: streamed.usage, output_text: streamed.output_text })
    expect(again.created_at).toBe(streamed.created_at)
    const asked = []
    for await (const item of openai.responses.inputItems.list(whole.id, { limit: 2 })) asked.push(item)
    expect(new Set(asked.map(({ id }) => id)).size).toBe(6)
    expect(asked.toReversed()).toMatchObject([
      { type: 'message', role: 'developer', content: [{ type: 'input_text', text }] },
      { role: 'user', content: [{ text: 'One part.' }, { text: 'Another \u{1f600}.' }] },
      { role: 'assistant', content: [{ type: 'output_text', text: 'So it is.' }] },
      { role: 'user', content: [{ text: 'What time is it?' }] },
      { type: 'function_call', call_id: 'call_1', name: 'clock', arguments: '{}' },
      { type: 'function_call_output', call_id: 'call_1', output: 'Noon.' },
    ])
    const page = await openai.responses.inputItems.list(on.id, { order: 'asc' })
    expect([page.data, page.has_more]).toMatchObject([[{ type: 'function_call_output', output: 'Noon.' }], false])
  })

  it('that are deleted are gone with their state, and not what went on from them, nor what others hold', async () => {
    const { packets } = api.engine.state.store.library
    const packetOf = async (state: string) => (await api.ask(`/states/${state}`)).json.packet_id
    const assertGone = async (id: string) => {
      const refused = [
        () => openai.responses.retrieve(id),
        () => openai.responses.delete(id),
        () => openai.responses.inputItems.list(id),
        () => ask({ previous_response_id: id, input: 'And then?' }),
      ]
      for (const one of refused) await expect(one()).rejects.toMatchObject({ status: 404, code: 'E_NOT_FOUND' })
    }
    const one = await ask({ instructions: `To be deleted. ${text}`, input: questions[0] ?? '' })
    const two = await ask({ previous_response_id: one.id, input: questions[1] ?? '' })
    const packetId = await packetOf(one.id.slice('resp_'.length))
    await openai.responses.delete(one.id)
    await assertGone(one.id)
    expect(packets.get(packetId)?.removedAt).not.toBeNull()
    expect(await openai.responses.retrieve(two.id)).toEqual(two)
    const three = await ask({ previous_response_id: two.id, input: questions[2] ?? '' })
    await api.engine.state.store.gc({ graceMs: 0 })
    expect((await ask({ previous_response_id: two.id, input: questions[2] ?? '' })).output_text).toBe(three.output_text)
    const said = [questions[1], questions[0]].map(content => ({ role: 'user' as const, content: content ?? '' }))
    // Two responses that led to one state: it stays with the other, and with what has a name.
    const request = { instructions: text, input: said }
    const whole = await ask(request)
    const stream = openai.responses.stream({ model, max_output_tokens: 12, ...request })
    const { id } = await stream.finalResponse()
    await openai.responses.delete(whole.id)
    expect((await ask({ previous_response_id: id, input: 'When?' })).output_text).not.toBe('')
    await api.ask(`/states/${whole.id.slice('resp_'.length)}`, { name: `held of ${model}` })
    await openai.responses.delete(id)
    await assertGone(id)
    expect((await api.ask(`/states/${whole.id.slice('resp_'.length)}`)).status).toBe(200)
    // Asked once more it is there as before.
    expect((await ask({ instructions: `To be deleted. ${text}`, input: questions[0] ?? '' })).id).toBe(one.id)
    expect(await packetOf(one.id.slice('resp_'.length))).toBe(packetId)
    expect((await openai.responses.retrieve(one.id)).output_text).toBe(one.output_text)
  })

  it('are whole and kept although what they were asked of, or their own state, is deleted meanwhile', async () => {
    const begin = (more: string) => ask({ instructions: `${more} ${text}`, input: questions[0] ?? '' })
    const goOn = { input: questions[1] ?? '', max_output_tokens: 12 }
    const isKept = async ({ id, output_text }: OpenAI.Responses.Response) => {
      expect(meanwhile).toEqual({})
      expect(await openai.responses.retrieve(id)).toMatchObject({ id, output_text })
      expect((await ask({ previous_response_id: id, input: 'When?' })).output_text).not.toBe('')
    }
    const one = await begin('Deleted while it is gone on from.')
    const stay = await ask({ previous_response_id: one.id, ...goOn })
    await openai.responses.delete(stay.id)
    meanwhile = { begun: () => openai.responses.delete(one.id) }
    const streamed = openai.responses.stream({ model, previous_response_id: one.id, ...goOn })
    const two = await streamed.finalResponse()
    expect(two).toMatchObject({ status: stay.status, output_text: stay.output_text })
    await isKept(two)
    // A name that is taken away, and given to something else.
    const three = await begin('Renamed while it is gone on from.')
    const name = `moving of ${model}`
    const stateOf = (id: string) => `/states/${id.slice('resp_'.length)}`
    await api.ask(stateOf(three.id), { name })
    const packetId = (await api.ask(stateOf(three.id))).json.packet_id
    const other = (await api.ask(stateOf((await begin('Another.')).id))).json.packet_id
    const { names } = api.engine.state.store.library.packets
    meanwhile = { begun: async () => names.rename(packetId, `${name}, once`, Date.now()) }
    await isKept(await ask({ ...goOn, state: name }))
    names.rename(packetId, name, Date.now())
    meanwhile = {
      begun: async () => names.rename(packetId, `${name}, once`, Date.now()),
      whole: async () => names.rename(other, name, Date.now()),
    }
    const four = await ask({ ...goOn, input: 'And then?', state: name })
    await isKept(four)
    const root = api.engine.state.store.library.connection.prepare('SELECT root_packet_id FROM answers WHERE id = ?')
    expect(root.pluck().get(four.id)).toBe(packetId)
    // The same was asked by somebody else, who deletes it: the state of both.
    const five = await begin('Asked twice.')
    meanwhile = { whole: () => openai.responses.delete(five.id) }
    const six = await begin('Asked twice.')
    expect(six).toMatchObject({ id: five.id, output_text: five.output_text })
    await isKept(six)
    // What was asked was never stored.
    const inMemory = await ask({ instructions: text, input: 'Only in memory.', store: false })
    await isKept(await ask({ previous_response_id: inMemory.id, ...goOn }))
  })

  it('of `store: false` are not those that were stored of the same request', async () => {
    const request = { instructions: `Stored and not. ${text}`, input: questions[0] ?? '' }
    const stored = await ask(request)
    const twin = await ask({ ...request, store: false })
    expect(twin).toMatchObject({ output_text: stored.output_text, state: stored.id.replace('resp_', 'sha256:') })
    expect(twin.id).not.toBe(stored.id)
    const goOn = async (id: string) =>
      (await ask({ previous_response_id: id, input: questions[1] ?? '', store: false })).output_text
    expect(await goOn(twin.id)).toBe(await goOn(stored.id))
    for (const refused of [() => openai.responses.retrieve(twin.id), () => openai.responses.delete(twin.id)])
      await expect(refused()).rejects.toMatchObject({ status: 404, code: 'E_NOT_FOUND' })
    expect(await openai.responses.retrieve(stored.id)).toEqual(stored)
  })

  it('refuse by name', async () => {
    const missing = ask({ previous_response_id: `resp_${'ab'.repeat(32)}`, input: 'Hi' })
    const wayOut = expect.stringMatching(/30 days.*whole conversation.*without previous_response_id/)
    await expect(missing).rejects.toMatchObject({ status: 404, code: 'E_NOT_FOUND', message: wayOut })
    const forced = ask({ input: 'Hi', truncation: 'auto' })
    await expect(forced).rejects.toMatchObject({ status: 400, message: expect.stringContaining('truncation') })
    const apart = ask({ input: 'Hi', background: true })
    await expect(apart).rejects.toMatchObject({ status: 400, message: expect.stringContaining('background') })
    const kept = await ask({ input: 'Hi' })
    const cancelled = openai.responses.cancel(kept.id)
    await expect(cancelled).rejects.toMatchObject({ status: 422, message: expect.stringContaining('cancel') })
    const streamed = openai.responses.retrieve(kept.id, { stream: true })
    await expect(streamed).rejects.toMatchObject({ status: 400, message: expect.stringContaining('stream') })
    const included = openai.responses.retrieve(kept.id, { include: ['message.output_text.logprobs'] })
    await expect(included).rejects.toMatchObject({ status: 400, message: expect.stringContaining('include') })
    const unknown = openai.responses.inputItems.list(kept.id, { after: 'msg_1' })
    await expect(unknown).rejects.toMatchObject({ status: 400, message: expect.stringContaining('after') })
    // What is in memory alone can be gone on from, and not looked at.
    for (const stream of [false, true]) {
      const request = { model, input: `Not stored, ${stream}.`, max_output_tokens: 2, store: false }
      const { id } = stream
        ? await openai.responses.stream({ ...request, stream }).finalResponse()
        : await openai.responses.create(request)
      expect((await ask({ previous_response_id: id, input: 'And?' })).id).not.toBe(id)
      for (const refused of [() => openai.responses.retrieve(id), () => openai.responses.delete(id)])
        await expect(refused()).rejects.toMatchObject({ status: 404, message: expect.stringContaining('store: false') })
    }
  })
})

/** What the tool gave that a response called. */
function noon({ output }: OpenAI.Responses.Response) {
  const call = output.find(item => item.type === 'function_call')
  return { call_id: call?.call_id ?? '', output: 'Noon.' }
}

describe('the npm package @anthropic-ai/sdk', () => {
  it('answers, streams, and sees what was spared', async () => {
    const anthropic = new Anthropic({ baseURL: api.api.address, apiKey: api.api.token, maxRetries: 0 })
    const request = {
      model: 'starter-transformer',
      max_tokens: 12,
      system: [{ type: 'text' as const, text, cache_control: { type: 'ephemeral' as const } }],
      messages: [{ role: 'user' as const, content: questions[3] ?? '' }],
    }
    const first = await anthropic.messages.create(request)
    const [content] = first.content
    const answer = content?.type === 'text' ? content.text : ''
    expect(answer).not.toBe('')
    const stream = anthropic.messages.stream(request)
    let streamed = ''
    stream.on('text', piece => {
      streamed += piece
    })
    const final = await stream.finalMessage()
    expect(streamed).toBe(answer)
    expect(final.usage.cache_read_input_tokens).toBeGreaterThan(100)
    expect(final.usage.output_tokens).toBe(first.usage.output_tokens)
    const total = ({ input_tokens, cache_read_input_tokens }: Anthropic.Usage) =>
      input_tokens + (cache_read_input_tokens ?? 0)
    expect(total(final.usage)).toBe(total(first.usage))
    const stopped = await anthropic.messages.create({ ...request, stop_sequences: [answer.slice(2, 4)] })
    expect(stopped).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: answer.slice(2, 4) })
    // Counted before it is asked, as it is counted when it was; and no receipt says that a model ran.
    const receipts = async () => (await api.client.call('receipts.list', {})).total
    const before = await receipts()
    const { max_tokens: _, ...prompt } = request
    expect(await anthropic.messages.countTokens(prompt)).toEqual({ input_tokens: total(final.usage) })
    const named = { name: 'clock', input_schema: { type: 'object' as const, properties: {} } }
    const withTool = { ...prompt, tools: [named], tool_choice: { type: 'any' as const } }
    const counted = await anthropic.messages.countTokens(withTool)
    expect(await receipts()).toBe(before)
    const called = await anthropic.messages.create({ ...withTool, max_tokens: 40 })
    expect(counted).toEqual({ input_tokens: total(called.usage) })
    const { state } = (await api.ask('/v1/messages', request)).json
    const more = { messages: [{ role: 'user', content: questions[2] }], state }
    const asked = await api.ask('/v1/messages', { ...more, max_tokens: 2 })
    const told = await api.ask('/v1/messages/count_tokens', more)
    expect(told.json).toEqual({ input_tokens: total(asked.json.usage) })
    const auto = await api.ask('/v1/messages/count_tokens', { ...more, state: 'auto' })
    expect([auto.status, auto.json.error.code]).toEqual([422, 'E_NOT_SUPPORTED'])
    const tools = [{ name: 'bash' as const, type: 'bash_20250124' as const }]
    await expect(anthropic.messages.create({ ...request, tools })).rejects.toMatchObject({ status: 400 })
  })
})
