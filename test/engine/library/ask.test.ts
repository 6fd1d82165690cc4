import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openState } from '#engine/packets/openState.ts'
import { readConversation } from '#engine/packets/readConversation.ts'
import { CHAT_FORMATS } from '../../model/chatTemplates.ts'
import { ASSETS, openTestEngine, type TestEngine } from '../testEngine.ts'

const TEXT = 'Facts about the red goat. The goat lives in Oslo. The goat likes pears.\n'
const CHATML =
  "{% if messages[0]['role'] != 'system' %}{{ '<|endoftext|>system\\nYou are helpful.<|endoftext|>\\n' }}{% endif %}{% for m in messages %}{{ '<|endoftext|>' + m['role'] + '\\n' + m['content'] + '<|endoftext|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|endoftext|>assistant\\n' }}{% endif %}"
const DATED =
  "{{ 'Today: ' + strftime_now('%A %d %B %Y') + '\\n' }}{% for m in messages %}{{ m['content'] + '\\n' }}{% endfor %}"
const GEMMA = CHAT_FORMATS.find(({ name }) => name === 'Gemma')?.template ?? ''

let folder: string
let test: TestEngine

async function addModel(name: string, template: string | null, files: Record<string, object> = {}) {
  const model = join(folder, name)
  await cp(join(ASSETS, 'models', 'starter-transformer'), model, { recursive: true })
  const edit = async (file: string, change: (json: Record<string, unknown>) => void) => {
    const json = JSON.parse(await readFile(join(model, file), 'utf8'))
    change(json)
    await writeFile(join(model, file), JSON.stringify(json))
  }
  await edit('tokenizer_config.json', json => {
    json.chat_template = template ?? undefined
  })
  for (const [file, members] of Object.entries(files)) await edit(file, json => Object.assign(json, members))
  return model
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'statepack-ask-'))
  const endless = { eos_token_id: 0 }
  const modelFolders = [
    await addModel('chat', CHATML),
    await addModel('dated', DATED),
    await addModel('gemma', GEMMA),
    await addModel('base', null, { 'config.json': endless, 'generation_config.json': endless }),
  ]
  test = await openTestEngine({ modelFolders })
})
afterAll(async () => {
  await test.close()
  await rm(folder, { recursive: true })
})

async function create(
  model: string,
  options: { template?: boolean; systemPrompt?: string; text?: string; time?: string } = {},
) {
  const { text = TEXT, ...rest } = options
  return test.client.call('packets.create', { model, sources: [{ name: `doc-${Math.random()}.txt`, text }], ...rest })
}

async function wholeOf(ref: string) {
  const state = await openState(test.engine.state, ref)
  return state.loaded.model.tokenizer?.decode(state.tokens) ?? ''
}

describe('a conversation about a text, on a chat model', () => {
  it('reads one conversation: the default system turn never stands, every turn is closed, ids are those of the whole', async () => {
    const made = await create('chat', { template: true, systemPrompt: 'Answer from the text.' })
    const first = await test.client.call('ask.ask', {
      ref: made.cartridge.packetId,
      question: 'Where?',
      maxNewTokens: 3,
    })
    const parentId = first.step?.id ?? ''
    const second = await test.client.call('ask.ask', {
      ...{ ref: made.cartridge.packetId, parentId, question: 'What does it like?', maxNewTokens: 2 },
    })
    const packetId = second.step?.packetId ?? ''
    const whole = await wholeOf(packetId)
    const answers = [first, second].map(({ with: answer }) => answer?.output ?? '')
    const turn = (question: string) => `<|endoftext|>user\n${question}<|endoftext|>\n<|endoftext|>assistant\n`
    const opening = `<|endoftext|>system\nAnswer from the text.\n\n${TEXT}<|endoftext|>\n`
    // The last answer is closed by the next turn, unless the model closed it itself.
    expect(whole.replace(/<\|endoftext\|>$/, '')).toBe(
      `${opening}${turn('Where?')}${answers[0]}<|endoftext|>\n${turn('What does it like?')}${answers[1]}`,
    )
    const state = await openState(test.engine.state, packetId)
    const conversation = await readConversation(test.engine.state.blobs, state)
    expect(conversation.turns.map(({ role, content }) => [role, content])).toEqual([
      ['user', 'Where?'],
      ['assistant', answers[0]?.trim()],
      ['user', 'What does it like?'],
      ['assistant', answers[1]?.trim()],
    ])
    // Read again from its recipe, it is the same cartridge.
    await expect(test.client.call('packets.verify', { ref: packetId, level: 'recomputed' })).resolves.toMatchObject({
      level: 'recomputed',
    })
  })

  it('gives a text that was read without the template a user turn, too', async () => {
    const made = await create('chat')
    const { step } = await test.client.call('ask.ask', {
      ref: made.cartridge.packetId,
      question: 'Where?',
      maxNewTokens: 1,
    })
    expect(step?.delta).toBe('\n<|endoftext|>user\nWhere?<|endoftext|>\n<|endoftext|>assistant\n')
  })

  it('asks the bare model in a conversation of its own', async () => {
    const { without } = await test.client.call('ask.ask', { model: 'chat', question: 'Where?', maxNewTokens: 1 })
    expect(without?.delta).toBe(
      '<|endoftext|>system\nYou are helpful.<|endoftext|>\n<|endoftext|>user\nWhere?<|endoftext|>\n<|endoftext|>assistant\n',
    )
  })

  it('proves an answer as it was asked', async () => {
    const made = await create('chat', { template: true })
    const { step } = await test.client.call('ask.ask', {
      ref: made.cartridge.packetId,
      question: 'Where?',
      maxNewTokens: 4,
    })
    const proof = await test.client.call('packets.prove', {
      ...{ ref: step.fromPacketId ?? '', delta: step.question, chat: true, outputTokenIds: step.outputTokenIds },
    })
    expect(proof).toMatchObject({ sameOutput: true, sameTopToken: true })
  })

  it('runs its receipt again to the same operation', async () => {
    const made = await create('chat', { template: true })
    const { with: answer } = await test.client.call('ask.ask', {
      ref: made.cartridge.packetId,
      question: 'What?',
      maxNewTokens: 2,
    })
    const replay = await test.client.call('receipts.replay', { id: answer?.receipt.receipt_id ?? '' })
    expect(replay).toMatchObject({ same: true, differences: [] })
  })
})

describe('where the template keeps a document', () => {
  it('is the first user message when there is no system role, and creation says so', async () => {
    const made = await create('gemma', { template: true })
    expect(made.notes.join()).toMatch(/no system message.*first user message/)
    const whole = await wholeOf(made.cartridge.packetId)
    expect(whole).toContain('The goat likes pears')
    const { step } = await test.client.call('ask.ask', {
      ref: made.cartridge.packetId,
      question: 'Where?',
      maxNewTokens: 1,
    })
    expect(step?.delta).toMatch(/Where\?<end_of_turn>\n<start_of_turn>model\n$/)
  })
})

describe('a template that writes the date', () => {
  it('keeps the date of the first reading: the same text a day later is the same context', async () => {
    const text = 'The hare lives in Turku.\n'
    const old = await create('dated', { template: true, text, time: '2026-01-03T09:00:00' })
    const today = await create('dated', { template: true, text })
    expect(today).toMatchObject({ cacheHit: true, tokensProcessed: 0 })
    expect(today.cartridge.contextId).toBe(old.cartridge.contextId)
    expect(today.notes.join()).toContain('2026-01-03')
    expect(await wholeOf(old.cartridge.packetId)).toContain('Saturday 03 January 2026')
    const again = await create('dated', { template: true, text, time: '2026-01-04T09:00:00' })
    expect(again.cacheHit).toBe(false)
    expect(again.notes.join()).toMatch(/2026-01-04.*another context/)
    const prompt = (await wholeOf(again.cartridge.packetId)).replace('Sunday 04', 'Monday 05')
    const { best } = await test.client.call('packets.whyMiss', { model: 'dated', text: prompt })
    expect(best).toMatchObject({ hit: false, part: 'date' })
  })

  it('tells later turns the same date', async () => {
    const made = await create('dated', {
      template: true,
      text: 'The owl lives in Bergen.\n',
      time: '2020-02-29T23:59:59',
    })
    const { step } = await test.client.call('ask.ask', {
      ref: made.cartridge.packetId,
      question: 'Where?',
      maxNewTokens: 1,
    })
    const state = await openState(test.engine.state, step?.packetId ?? '')
    expect(state.recipe.chat?.time).toBe('2020-02-29T23:59:59')
    expect(state.loaded.model.tokenizer?.decode(state.tokens).split('February 2020')).toHaveLength(2)
  })
})

describe('control tokens spelt out in a text', () => {
  it('are read as plain text unless they are meant, and creation says so', async () => {
    const text = 'One <|endoftext|> two.\n'
    const plain = await create('chat', { text })
    const { tokens } = await openState(test.engine.state, plain.cartridge.packetId)
    expect([...tokens]).not.toContain(0)
    expect(plain.notes.join()).toMatch(/spells out a control token \(<\|endoftext\|>\): read as plain text/)
    const { spans, text: shown } = await test.client.call('packets.inspect', { ref: plain.cartridge.packetId })
    expect(spans.map(({ kind }) => kind)).toEqual(['spelled'])
    expect(shown).toContain('<|endoftext|>')
    const meant = await test.client.call('packets.create', {
      ...{ model: 'chat', sources: [{ name: 'meant', text }], controlTokens: 'control' as const },
    })
    expect([...(await openState(test.engine.state, meant.cartridge.packetId)).tokens]).toContain(0)
    for (const { cartridge } of [plain, meant]) {
      const merged = await test.client.call('packets.merge', {
        ref: cartridge.packetId,
        delta: 'Three <|endoftext|>.\n',
      })
      await expect(
        test.client.call('packets.verify', { ref: merged.cartridge.packetId, level: 'recomputed' }),
      ).resolves.toMatchObject({ level: 'recomputed' })
    }
  })

  it('are meant in one text alone where that is asked, and are that text’s; replaying gives the same', async () => {
    const made = await create('chat')
    const { receipt, cartridge } = await test.client.call('packets.merge', {
      ...{ ref: made.cartridge.packetId, delta: 'One <|endoftext|>two.\n', controlTokens: 'control' as const },
    })
    const { spans } = await test.client.call('packets.inspect', { ref: cartridge.packetId })
    expect(spans).toEqual([expect.objectContaining({ kind: 'control', from: 'text' })])
    expect(await test.client.call('receipts.replay', { id: receipt.receipt_id })).toMatchObject({ same: true })
    // The next text is read as the first was.
    const next = { ref: cartridge.packetId, delta: 'Three <|endoftext|>.\n' }
    const after = await test.client.call('packets.merge', next)
    const found = await test.client.call('packets.inspect', { ref: after.cartridge.packetId })
    expect(found.spans.map(({ kind }) => kind)).toEqual(['control', 'spelled'])
  })

  it('in a system prompt that begins a conversation are plain text, and the prompt is called one', async () => {
    const { newPacketId } = await test.client.call('packets.infer', {
      ...{ model: 'chat', chat: true, system: 'Never say <|endoftext|>.', delta: 'Who are you?' },
      ...{ keepOutput: true, maxNewTokens: 2 },
    })
    const { spans } = await test.client.call('packets.inspect', { ref: newPacketId ?? '' })
    const kinds = spans.map(({ kind }) => kind)
    expect(kinds).toContain('system')
    expect(kinds).toContain('spelled')
  })

  it('are not counted where the template wrote them', async () => {
    const estimate = await test.client.call('packets.estimate', {
      ...{ model: 'chat', sources: [{ name: 'a', text: TEXT }], template: true },
    })
    expect(estimate.controlTokensInText).toBe(0)
    const made = await create('chat', { template: true })
    const { spans } = await test.client.call('packets.inspect', { ref: made.cartridge.packetId })
    expect(new Set(spans.filter(({ kind }) => kind === 'control').map(({ from }) => from))).toEqual(
      new Set(['template']),
    )
  })
})

describe('a base model without an end of text', () => {
  it('stops where it would ask itself, and the state kept holds nothing of that', async () => {
    const made = await create('base')
    const { step } = await test.client.call('ask.ask', {
      ref: made.cartridge.packetId,
      question: 'Where does the goat live?',
      maxNewTokens: 48,
    })
    expect(step?.finishReason).toBe('stop')
    expect(step?.answer).not.toMatch(/Question/)
    const whole = await wholeOf(step?.packetId ?? '')
    expect(whole.split('Question:')).toHaveLength(2)
    const next = await test.client.call('ask.ask', {
      ...{ ref: made.cartridge.packetId, parentId: step?.id ?? '', question: 'What does it like?', maxNewTokens: 1 },
    })
    expect(await wholeOf(next.step?.packetId ?? '')).toMatch(/[^\n]\nQuestion: What does it like\?\nAnswer:/)
  })

  it('ends an answer at a text of one’s choice', async () => {
    const made = await create('base')
    const result = await test.client.call('packets.infer', {
      ...{ ref: made.cartridge.packetId, delta: 'Where does the goat live?', chat: true, stop: ['n'], maxNewTokens: 8 },
    })
    expect(result.output).not.toContain('n')
    expect(result.finishReason).toBe('stop')
  })
})

describe('a model that was edited', () => {
  it('is named with the way out, goes on when asked to, and the receipt says so', async () => {
    const model = await addModel('edited', CHATML)
    const home = await mkdtemp(join(tmpdir(), 'statepack-edit-'))
    let engine = await openTestEngine({ folder: home, modelFolders: [model] })
    const { cartridge } = await engine.client.call('packets.create', {
      model: 'edited',
      sources: [{ name: 'a', text: TEXT }],
    })
    const edits: [RegExp, string, object][] = [
      [/chat template/, 'tokenizer_config.json', { chat_template: `${CHATML} ` }],
      [/config\.json \(transformers_version\)/, 'config.json', { transformers_version: '9.9.9' }],
      [/generation_config\.json/, 'generation_config.json', { max_new_tokens: 64 }],
    ]
    for (const [named, file, members] of edits) {
      const before = await readFile(join(model, file), 'utf8')
      await writeFile(join(model, file), JSON.stringify({ ...JSON.parse(before), ...members }))
      await engine.close()
      engine = await openTestEngine({ folder: home, modelFolders: [model] })
      const infer = { ref: cartridge.packetId, delta: 'And?', maxNewTokens: 1 }
      await expect(engine.client.call('packets.infer', infer)).rejects.toMatchObject({
        code: 'E_COMPONENT_MISMATCH',
        message: expect.stringMatching(named),
      })
      await expect(engine.client.call('packets.infer', infer)).rejects.toThrow(/go on with --accept-edits/)
      // An operation that has no such flag names the ones that have it.
      await expect(engine.client.call('packets.compact', { ref: cartridge.packetId, dropSteps: [] })).rejects.toThrow(
        /asked and merged with --accept-edits/,
      )
      const { receipt } = await engine.client.call('packets.infer', { ...infer, acceptEdits: true })
      const { details } = await engine.engine.state.receipts.get(receipt.receipt_id)
      expect(details.accepted_edits).toMatch(named)
      await writeFile(join(model, file), before)
    }
    // A setting that numbers depend on is no cosmetic edit.
    const config = JSON.parse(await readFile(join(model, 'config.json'), 'utf8'))
    await writeFile(join(model, 'config.json'), JSON.stringify({ ...config, rms_norm_eps: 0.5 }))
    await engine.close()
    engine = await openTestEngine({ folder: home, modelFolders: [model] })
    await expect(
      engine.client.call('packets.infer', {
        ref: cartridge.packetId,
        delta: 'And?',
        maxNewTokens: 1,
        acceptEdits: true,
      }),
    ).rejects.toMatchObject({
      code: 'E_COMPONENT_MISMATCH',
      details: expect.not.objectContaining({ edited: expect.anything() }),
    })
    await engine.close()
    await rm(home, { recursive: true })
  })
})

describe('texts split and composed', () => {
  it('a split keeps system prompt and template in every part', async () => {
    const text = Array.from({ length: 400 }, (_, i) => `Fact ${i}: the goat number ${i} lives in house ${i * 7}.`).join(
      '\n',
    )
    const { parts } = await test.client.call('packets.createSplit', {
      ...{ model: 'chat', sources: [{ name: 'long', text }], template: true, systemPrompt: 'Answer briefly.' },
    })
    expect(parts.length).toBeGreaterThan(1)
    for (const { cartridge } of parts) {
      expect(await wholeOf(cartridge.packetId)).toMatch(/^<\|endoftext\|>system\nAnswer briefly\.\n\nFact /)
    }
  })

  it('a composition keeps system prompt and template, and says which turns it leaves', async () => {
    const a = await create('chat', { template: true, systemPrompt: 'Be brief.', text: 'The cow lives in Rome.\n' })
    const b = await create('chat', { text: 'The pig lives in Bonn.\n' })
    const { step } = await test.client.call('ask.ask', {
      ref: a.cartridge.packetId,
      question: 'Where?',
      maxNewTokens: 1,
    })
    const composed = await test.client.call('remix.compose', { refs: [step?.packetId ?? '', b.cartridge.packetId] })
    expect(await wholeOf(composed.cartridge.packetId)).toMatch(
      /^<\|endoftext\|>system\nBe brief\.\n\nThe cow lives in Rome\.\n\nThe pig lives in Bonn\.\n/,
    )
    expect(composed.notes.join()).toMatch(/Not taken over.*one turn of a conversation/)
  })
})
