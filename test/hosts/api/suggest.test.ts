import OpenAI from 'openai'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bundledText } from '../../engine/testEngine.ts'
import { startTestApi, type TestApi } from './startTestApi.ts'

const QUESTION = 'What is the phone of Harbor Coffee?'
const model = 'starter-transformer'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
  for (const name of ['card-coffee', 'card-contract']) {
    const { text } = await bundledText(name)
    await api.client.call('packets.create', { model, name, sources: [{ name: `${name}.txt`, text }] })
  }
})
afterAll(() => api.close())

it('says which state a question is about, and why', async () => {
  const { json } = await api.ask('/suggest', { question: QUESTION })
  expect(json.candidates[0]).toMatchObject({ name: 'card-coffee', state_hash: json.state_hash, model })
  expect(json.candidates[0].accounts_for).toBeGreaterThan(0.9)
  const none = await api.ask('/suggest', { question: 'How tall is the lighthouse of Skagen?' })
  expect(none.json.state_hash).toBeNull()
})

it('asks that state with `state: "auto"`: the question is all that is read', async () => {
  const openai = new OpenAI({ baseURL: `${api.api.address}/v1`, apiKey: api.api.token, maxRetries: 0 })
  const ask = (question: string) =>
    openai.chat.completions.create({
      model,
      max_completion_tokens: 16,
      messages: [{ role: 'user', content: question }],
      // @ts-expect-error an extension, sent like any unknown field
      state: 'auto',
    })
  const answer = await ask(QUESTION)
  expect(answer.choices[0]?.message.content).toContain('555-0142')
  const { prompt_tokens = 0, prompt_tokens_details } = answer.usage ?? {}
  expect(prompt_tokens - (prompt_tokens_details?.cached_tokens ?? 0)).toBeLessThan(30)
  await expect(ask('How tall is the lighthouse of Skagen?')).rejects.toMatchObject({ status: 404 })
})
