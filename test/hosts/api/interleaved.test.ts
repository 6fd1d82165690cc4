import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from './startTestApi.ts'

/** Requests of all kinds on twenty states, ten of each model; alone and among others each gives the same. */
const BASES = [
  'The lease runs for ten years. Rent is due on the first of each month. ',
  'Step 1: notice. ',
  'Pets are welcome. ',
  // Some begin alike, so that one goes on from what another has read.
  'The lease runs for ten years. Pets are welcome. ',
  'The lease runs for two years. Rent is due on the first of each month. ',
  'Step 1: notice. Step 2: notice. ',
  'The fee of the club is 314. ',
  'The captain of Halcyon is Oskar. The owner of the house Alder is Mira Lund. ',
  'You are an autonomous legal research agent. ',
  'You are an autonomous legal research agent. Track instructions, prior tool results and citations. ',
]
const DELTAS = ['The deposit is 900 euro. ', 'Question: Who pays?\nAnswer:', 'Step 2: waiver affects damages. ']
const MODELS = ['starter-transformer', 'starter-mamba']
const CLIENTS = 8

interface Step {
  readonly kind: 'infer' | 'keep' | 'merge' | 'compact' | 'responses' | 'chat'
  readonly model: number
  readonly base: number
  readonly delta: number
}
const step = fc.record<Step>({
  kind: fc.constantFrom('infer', 'keep', 'merge', 'compact', 'responses', 'chat'),
  ...{ model: fc.nat(MODELS.length - 1), base: fc.nat(BASES.length - 1), delta: fc.nat(DELTAS.length - 1) },
})

async function run(api: TestApi, { kind, model, base, delta }: Step): Promise<unknown> {
  const [name, text, more] = [MODELS[model], BASES[base], DELTAS[delta]]
  if (kind === 'responses') {
    const first = await api.ask('/v1/responses', { model: name, instructions: text, input: more, max_output_tokens: 4 })
    const input = { model: name, previous_response_id: first.json.id, input: 'And then?', max_output_tokens: 4 }
    const second = await api.ask('/v1/responses', input)
    return [first.json.id, first.json.output[0].content, second.json.id, second.json.output[0].content]
  }
  if (kind === 'chat') {
    const messages = [
      { role: 'system', content: text },
      { role: 'user', content: more },
    ]
    const { json } = await api.ask('/v1/chat/completions', { model: name, messages, max_tokens: 4 })
    return [json.state, json.choices]
  }
  const { json: state } = await api.ask('/states', { base_text: text, model: name })
  const ref = { state_hash: state.state_hash }
  if (kind === 'merge' || kind === 'compact') {
    const body = kind === 'merge' ? { delta_text: more } : { deltas: [more, more] }
    const { json } = await api.ask(`/${kind}`, { ...ref, ...body })
    return [state.state_hash, json.new_state_hash, json.tokens]
  }
  const body = { ...ref, delta_text: more, max_new_tokens: 4, keep_output: kind === 'keep' }
  const { json } = await api.ask('/infer', body)
  return [json.new_state_hash, json.output_token_ids]
}

let busy: TestApi
beforeAll(async () => {
  busy = await startTestApi()
})
afterAll(() => busy.close())

describe('eight clients at once', () => {
  it('each get what they would get alone, whatever the others ask', async () => {
    const alone = new Map<string, Promise<unknown>>()
    const expected = async (wanted: Step) => {
      const key = JSON.stringify(wanted)
      const answer =
        alone.get(key) ??
        startTestApi().then(async api => {
          try {
            return await run(api, wanted)
          } finally {
            await api.close()
          }
        })
      alone.set(key, answer)
      return answer
    }
    const count = process.env.DEEP === '1' ? 1000 : 24
    const steps = fc.sample(step, { numRuns: count, seed: 20 })
    if (process.env.DEEP === '1')
      expect(new Set(steps.map(({ model, base }) => `${model} ${base}`)).size).toBe(MODELS.length * BASES.length)
    const given: unknown[] = []
    const next = steps.entries()
    const client = async () => {
      for (const [at, wanted] of next) given[at] = await run(busy, wanted)
    }
    await Promise.all(Array.from({ length: CLIENTS }, client))
    const checked = steps.slice(0, process.env.DEEP === '1' ? count : 4)
    for (const [at, wanted] of checked.entries())
      expect({ wanted, given: given[at] }).toEqual({ wanted, given: await expected(wanted) })
    // And what was asked twice was answered twice the same.
    const first = new Map<string, unknown>()
    for (const [at, wanted] of steps.entries()) {
      const key = JSON.stringify(wanted)
      if (first.has(key)) expect(given[at]).toEqual(first.get(key))
      else first.set(key, given[at])
    }
  }, 1_800_000)
})
