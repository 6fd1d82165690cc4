import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundledText, questionDelta } from '../../engine/testEngine.ts'
import { readEvents, startTestApi, type TestApi } from './startTestApi.ts'

const model = 'starter-transformer'
let api: TestApi
let base: { text: string; questions: readonly (readonly [string, string])[] }

beforeAll(async () => {
  api = await startTestApi()
  base = await bundledText('contract')
})
afterAll(() => api.close())

describe('the stateless routes', () => {
  it('make a state once, and know it again', async () => {
    const first = await api.ask('/states', { base_text: base.text, model })
    expect(first).toMatchObject({ status: 200, json: { cache_hit: false, dtype: 'float32', model } })
    expect(first.json.tokens_processed).toBe(first.json.tokens)
    expect(first.json.state_hash).toBe(first.json.context_id)
    const again = await api.ask('/states', { base_text: base.text, model })
    expect(again.json).toMatchObject({ cache_hit: true, tokens_processed: 0, state_hash: first.json.state_hash })
  })

  it('answer the same whatever happened in between, with or without the prefix of the hash', async () => {
    const { json: state } = await api.ask('/states', { base_text: base.text, model })
    const [question] = base.questions[0] ?? ['']
    const request = { state_hash: state.state_hash, delta_text: questionDelta(question), max_new_tokens: 8 }
    const first = await api.ask('/infer', request)
    expect(first.status).toBe(200)
    expect(first.json.tokens.processed).toBeLessThan(first.json.tokens.naive / 2)
    await api.ask('/infer', { ...request, delta_text: 'Something else entirely. ', keep_output: true })
    await api.ask('/merge', { state_hash: state.state_hash, delta_text: request.delta_text })
    await api.ask('/states', { base_text: `${base.text}${request.delta_text} And more.`, model })
    const again = await api.ask('/infer', { ...request, state_hash: state.state_hash.replace('sha256:', '') })
    expect(again.json.output).toBe(first.json.output)
    expect(again.json.output_token_ids).toEqual(first.json.output_token_ids)
    expect(again.json.new_state_hash).toBe(first.json.new_state_hash)
    const { json: still } = await api.ask('/states', { base_text: base.text, model })
    expect(still).toMatchObject({ cache_hit: true, packet_id: state.packet_id })
  })

  it('give the hash of a text however it was put together', async () => {
    const [a, b, c] = ['The lease runs for ten years. ', 'Rent is due on the first. ', 'Pets are welcome. ']
    const { json: first } = await api.ask('/states', { base_text: a, model })
    const { json: ab } = await api.ask('/merge', { state_hash: first.state_hash, delta_text: b })
    const { json: abc } = await api.ask('/merge', { state_hash: ab.new_state_hash, delta: c })
    const { json: folded } = await api.ask('/compact', { state_hash: first.state_hash, accumulated_deltas: [b, c] })
    const { json: whole } = await api.ask('/states', { base_text: a + b + c, model })
    expect(folded).toMatchObject({ new_state_hash: abc.new_state_hash, steps_folded: 2 })
    expect(whole.state_hash).toBe(abc.new_state_hash)
    const compacted = await api.ask('/compact', { state_hash: abc.new_state_hash })
    expect(compacted).toMatchObject({ status: 200, json: { new_state_hash: whole.state_hash } })
  })

  it('stream an answer: its pieces are the output, its end the result', async () => {
    const { json: state } = await api.ask('/states', { base_text: base.text, model })
    const request = { state_hash: state.state_hash, delta_text: 'Question: Who?\nAnswer:', max_new_tokens: 6 }
    const { json: whole } = await api.ask('/infer', request)
    const response = await api.send('/infer', { ...request, stream: true })
    expect(response.headers.get('content-type')).toMatch('text/event-stream')
    const events = await readEvents(response)
    const pieces = events.filter(({ event }) => event === 'piece').map(({ data }) => data.piece)
    expect(pieces.join('')).toBe(whole.output)
    expect(events.at(-1)).toMatchObject({ event: 'result', data: { output: whole.output } })
  })

  it('say what a state is, prove a receipt, and count', async () => {
    const { json: state } = await api.ask('/states', { base_text: base.text, model })
    const found = await api.ask(`/states/${state.state_hash.replace('sha256:', '')}`)
    expect(found).toMatchObject({ status: 200, json: { state_hash: state.state_hash, tokens: state.tokens } })
    const receipt = await api.ask(`/receipts/${state.receipt.receipt_id}`)
    expect(receipt).toMatchObject({ status: 200, json: { receipt: { receipt_id: state.receipt.receipt_id } } })
    const upper = await api.ask(`/receipts/${state.receipt.receipt_id.toUpperCase()}`)
    expect(upper.json.receipt).toEqual(receipt.json.receipt)
    expect((await api.ask('/v1/models')).json.data.map(({ id }: { id: string }) => id)).toContain(model)
    const metrics = await (await api.send('/metrics')).text()
    expect(metrics).toMatch(/^statepack:prefix_cache_hits_total [1-9]/m)
    expect(metrics).toMatch(/^statepack:request_success_total\{route="\/states",status="200"\} [1-9]/m)
    await expect.poll(async () => (await api.ask('/health')).json.states_cached).toBeGreaterThan(0)
  })

  it('take the lines of docs/server.md as they stand', async () => {
    const text = await readFile(join(import.meta.dirname, '../../../docs/server.md'), 'utf8')
    const lines = text.match(/^curl .*$/gm) ?? []
    expect(lines.length).toBeGreaterThan(4)
    let hash = ''
    for (const line of lines) {
      const [, path = ''] = /\$URL(\S+)/.exec(line) ?? []
      const [, body] = /-d '(.*)'$/.exec(line) ?? []
      const filled = (part: string) => part.replaceAll(`'$HASH'`, hash).replaceAll('$HASH', hash)
      const sent = body === undefined ? undefined : JSON.parse(filled(body))
      const { status, json } = await api.ask(filled(path), sent)
      expect({ line, status }).toEqual({ line, status: 200 })
      hash = json.state_hash ?? hash
    }
  })

  it('begin a conversation with system messages and go on with what the user says', async () => {
    const chat = 'starter-mamba'
    const opened = await api.ask('/states', { base_text: base.text, model: chat })
    const said = await api.ask('/infer', {
      state_hash: opened.json.state_hash,
      messages: [{ role: 'user', content: base.questions[0]?.[0] }],
      max_new_tokens: 8,
      keep_output: true,
    })
    expect(said.status).toBe(200)
    const next = await api.ask('/infer', {
      state_hash: said.json.new_state_hash,
      messages: [{ role: 'user', content: base.questions[1]?.[0] }],
      max_new_tokens: 8,
    })
    expect(next.json.tokens.base).toBeGreaterThan(opened.json.tokens)
  })
})
