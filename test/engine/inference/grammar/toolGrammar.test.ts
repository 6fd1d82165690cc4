/** Answers of models that have tools: whatever the logits are, a call that is announced is whole and follows its schema. */
import { afterAll, describe, expect, it } from 'vitest'
import { Grammars } from '#engine/inference/grammar/grammars.ts'
import { toolGrammar } from '#engine/inference/grammar/toolGrammar.ts'
import { argmax } from '#engine/inference/logits.ts'
import { callIn } from '#engine/models/tokenizer/callIn.ts'
import { writable } from '#engine/models/tokenizer/toolForm.ts'
import type { ToolChoice } from '#shared/domain/tool.ts'
import { TOOL_FORMATS, type ToolFormat } from '../../../model/toolTemplates.ts'
import { addTokens, openVariant } from '../../models/tokenizer/variantTokenizer.ts'
import { seeded } from '../seeded.ts'

const grammars = new Grammars()
afterAll(() => grammars.close())

const tools = [
  {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: {
        place: { enum: ['Rome', 'Oslo'] },
        days: { type: 'array', items: { type: 'integer' }, maxItems: 2 },
      },
      required: ['place', 'days'],
    },
  },
  { name: 'clock' },
]

/** The answer of a model that wishes to say a text, and then anything. */
async function answer(
  template: ToolFormat['template'],
  { wish, choice, seed }: { wish: string; choice: ToolChoice; seed: number },
) {
  const marks = ['<tool_call>', '</tool_call>', '[TOOL_CALLS]', '[ARGS]']
  const tokenizer = await openVariant(
    'qwen2-style',
    file => {
      const known = new Set(file.added_tokens.map(({ content }) => content))
      // Of some models they are control tokens, of others only tokens of their own.
      const special = (mark: string) => mark.startsWith('[')
      addTokens(
        file,
        marks.filter(mark => !known.has(mark)).map(content => ({ content, special: special(content) })),
      )
    },
    { chat_template: template },
  )
  if (tokenizer === null) throw new Error('no tokenizer')
  const form = tokenizer.toolForm()
  const stopId = tokenizer.eosId ?? 0
  const vocabSize = tokenizer.vocabSize + marks.length
  const random = seeded(seed)
  const drawn = Float32Array.from({ length: 4099 }, () => random.int(0, 1000) / 250)
  const wished = tokenizer.encode(wish)
  const grammar = toolGrammar({ form, tools, choice })
  const added = writable(tokenizer, form, [stopId])
  using led = await grammars.lead({ tokenizer, vocabSize, stopIds: [stopId], grammar, added })
  const ids: number[] = []
  for (let index = 0; index < 400; index++) {
    const closes = (id: number) => id === stopId || /["}\]>]/.test(tokenizer.decode([id]))
    const logits = Float32Array.from(
      { length: vocabSize },
      (_, id) => (drawn[(id * 31 + index * 977) % drawn.length] ?? 0) + (closes(id) ? index / 40 : 0),
    )
    const wants = wished[index]
    if (wants !== undefined) logits[wants] = 1000
    const row = led.allowed(logits)
    const id = row === null ? stopId : argmax(row)
    if (id === stopId) return { form, ...callIn(form, tokenizer.decode(ids)), isWhole: true }
    ids.push(id)
    led.take(id)
    await led.ready()
  }
  return { form, ...callIn(form, tokenizer.decode(ids)), isWhole: false }
}

function check(call: { name: string; arguments: string; isWhole: boolean } | null): void {
  expect(call?.isWhole).toBe(true)
  const given = JSON.parse(call?.arguments ?? '')
  if (call?.name === 'clock') expect(given).toEqual({})
  else {
    expect(call?.name).toBe('get_weather')
    expect(['Rome', 'Oslo']).toContain(given.place)
    for (const day of given.days) expect(day).toSatisfy(Number.isInteger)
  }
}

describe.each(TOOL_FORMATS.filter(({ place }) => place !== 'user'))(
  'answers in the form of $name',
  ({ template, call }) => {
    const begins = call.slice(0, call.search(/f["[]/))
    const isAnywhere = !begins.startsWith('{')
    const wish = isAnywhere ? `Let me see, 1 < 2. ${begins}` : begins

    it('are a call where one is required, and of whom it is', async () => {
      for (const choice of ['required', { name: 'get_weather' }] as const) {
        const { content, call: made } = await answer(template, { wish: 'No, I will not', choice, seed: 1 })
        expect(content).toBe('')
        check(made)
        if (choice !== 'required') expect(made?.name).toBe('get_weather')
      }
    })

    it('are free until one is announced, which then is whole', async () => {
      for (const seed of [1, 2]) {
        const { content, call: made } = await answer(template, { wish, choice: 'auto', seed })
        expect(content).toBe(wish.slice(0, wish.length - begins.length))
        check(made)
      }
      const said = await answer(template, { wish: 'Just words.', choice: 'auto', seed: 3 })
      expect(said.content).toMatch(/^Just words\./)
    })

    it('announce none where none is to be made', async () => {
      const { content, call: made, form } = await answer(template, { wish, choice: 'none', seed: 1 })
      expect(made).toBe(null)
      if (form.tag !== null) expect(content).not.toContain(form.tag)
    })
  },
)
