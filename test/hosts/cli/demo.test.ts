import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Ran } from './startStatepack.ts'
import { openHome } from './statepack.ts'

const home = openHome()
afterAll(() => home.remove())

describe('statepack demo --json', () => {
  let ran: Ran
  beforeAll(async () => {
    ran = await home.run(['demo', '--json'])
  })

  it('prints one JSON value: each starter model with the fields scripts read', () => {
    expect(ran.code, ran.stderr).toBe(0)
    const { models, ...others } = ran.json()
    expect(others).toEqual({})
    expect(models.map(({ name, kind }: { name: string; kind: string }) => [name, kind])).toEqual([
      ['starter-transformer', 'kv'],
      ['starter-mamba', 'ssm'],
    ])
    const digest = expect.stringMatching(/^sha256:[0-9a-f]{64}$/)
    const tokens = { naive: expect.any(Number), processed: expect.any(Number), saved_percent: expect.any(Number) }
    const seconds = { naive: expect.any(Number), state: expect.any(Number) }
    for (const model of models) {
      expect(model).toMatchObject({
        ...{ accuracy_with: expect.any(Number), accuracy_without: expect.any(Number), questions: expect.any(Number) },
        ...{ tokens, seconds, receipts: { count: expect.any(Number), verified: expect.any(Number) } },
        ...{ packet_id: digest, context_id: digest },
      })
      for (const text of model.texts) expect(text).toMatchObject({ tokens, seconds, packet_id: digest })
    }
  })

  it('answers as exactly as the models were measured, and nothing without the cartridge', () => {
    const [transformer, mamba] = ran.json().models
    for (const [model, correct, questions] of [
      [transformer, 98, 101],
      [mamba, 27, 30],
    ]) {
      expect(model.questions).toBe(questions)
      expect(Math.abs(model.accuracy_with * questions - correct)).toBeLessThan(2.5)
      expect(model.accuracy_without).toBe(0)
    }
  })

  it('verifies every receipt: making, checking and each of three answers to every question', () => {
    for (const { receipts, questions, texts } of ran.json().models) {
      expect(receipts.count).toBe(3 * questions + 2 * texts.length)
      expect(receipts.verified).toBe(receipts.count)
    }
  })

  it('saves what it says: over 75 % of the tokens of short cards, over 88 % of long texts', () => {
    for (const model of ran.json().models) {
      const sum = { naive: 0, processed: 0 }
      for (const { title, tokens } of model.texts) {
        expect(tokens.saved_percent, title).toBeGreaterThan(/card/i.test(title) ? 75 : 88)
        expect(tokens.saved_percent).toBeCloseTo((1 - tokens.processed / tokens.naive) * 100, 1)
        sum.naive += tokens.naive
        sum.processed += tokens.processed
      }
      expect(model.tokens).toMatchObject(sum)
    }
  })
})

describe('statepack demo --facts', () => {
  it('shows text and token ids of every answer, from the cartridge and without it', async () => {
    const facts = [
      {
        text: 'Facts:\nThe captain of the Aurora is Mara Quill.\nThe fee of the club is 314.\n',
        questions: [
          { q: 'Who is the captain of the Aurora?', a: 'Mara Quill' },
          { q: 'What is the fee of the club?', a: '314' },
        ],
      },
      // Without the newline at the end a question must still begin on a line of its own.
      {
        text: 'Facts:\nThe colour of the gate is blue.',
        questions: [{ q: 'What is the colour of the gate?', a: 'blue' }],
      },
    ]
    const file = await home.write('facts.jsonl', `${facts.map(line => JSON.stringify(line)).join('\n')}\n`)
    const { models } = await home.ok(['demo', '--facts', file, '--json'])
    expect(models).toHaveLength(2)
    for (const model of models) {
      expect(model.questions).toBe(3)
      expect(model.receipts).toEqual({ count: 13, verified: 13 })
      const answers = model.texts.flatMap((text: { answers: unknown[] }) => text.answers)
      expect(answers.map(({ expected }: { expected: string }) => expected)).toEqual(['Mara Quill', '314', 'blue'])
      for (const { answer, tokenIds, without, withoutTokenIds, correct, expected } of answers) {
        expect(tokenIds.length).toBeGreaterThan(0)
        expect(withoutTokenIds.length).toBeGreaterThan(0)
        expect(correct).toBe(answer.replace(/\.$/, '') === expected)
        expect(without).not.toContain(expected)
      }
    }
    const [transformer] = models
    expect(transformer.accuracy_with).toBe(1)
    expect(transformer.accuracy_without).toBe(0)
    const [first] = transformer.texts[0].answers
    expect(first.answer).toBe('Mara Quill.')
    // The ids are those of the text that is shown.
    const spoken = await home.write('answer.txt', ` ${first.answer}`)
    const { token_ids } = await home.ok(['tokenize', '--delta', spoken])
    expect(first.tokenIds.slice(0, token_ids.length)).toEqual(token_ids)
  })

  it('names the line that is wrong', async () => {
    const good = JSON.stringify({ text: 'A.\n', questions: [] })
    const [broken, shapeless, empty] = await Promise.all([
      home.run(['demo', '--facts', await home.write('broken.jsonl', `${good}\n{"text":`)]),
      home.run(['demo', '--facts', await home.write('shapeless.jsonl', `${good}\n{"text": 7}`)]),
      home.run(['demo', '--facts', await home.write('empty.jsonl', '\n')]),
    ])
    expect([broken.code, broken.error().code]).toEqual([4, 'E_BAD_JSON'])
    expect(broken.error().message).toContain('line 2')
    expect([shapeless.code, shapeless.error().code]).toEqual([3, 'E_BAD_INPUT'])
    expect(shapeless.error().message).toContain('line 2')
    expect([empty.code, empty.error().code]).toEqual([6, 'E_EMPTY_TEXT'])
  })
})
