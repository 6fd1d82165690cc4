import { describe, expect, test } from 'vitest'
import { answerEnd, openingOf, type TextPart, turnOf } from '#engine/models/tokenizer/conversation.ts'
import type { ChatMessage, RunAfter, Tokenizer } from '#engine/models/tokenizer/tokenizer.ts'
import { CHAT_FORMATS, type ChatFormat } from '../../../model/chatTemplates.ts'
import { addTokens, openFamily, openVariant } from './variantTokenizer.ts'

const DOCUMENT = 'The tower is 30 metres high.\nIt was built in 1901, says Lena.\n'
const QUESTIONS = ['How high is the tower?', 'When was it built?', 'Who says so?'] as const
const ANSWERS = ['It is 30 metres high.', 'In 1901.', 'Lena.'] as const
const TIME = '2026-11-27T09:05:03'

async function openFormat({ family, special, bos, eos, template }: ChatFormat): Promise<Tokenizer> {
  const config = { chat_template: template, bos_token: bos, eos_token: eos }
  const tokenizer = await openVariant(
    family,
    file => {
      const known = new Set(file.added_tokens.map(token => token.content))
      const missing = special.filter(token => !known.has(token))
      addTokens(
        file,
        missing.map(content => ({ content, rstrip: /^<\|(system|user|assistant|end)\|>$/.test(content) })),
      )
    },
    config,
  )
  if (tokenizer === null) throw new Error('no tokenizer')
  return tokenizer
}

/** The conversation with its document, as one list of messages. */
const user = (content: string) => [{ role: 'user', content }]

function wholeOf(document: 'system' | 'user', turns: readonly ChatMessage[]): ChatMessage[] {
  if (document === 'system') return [{ role: 'system', content: DOCUMENT }, ...turns]
  const [first, ...rest] = turns
  return [{ role: 'user', content: `${DOCUMENT}\n\n${first?.content ?? ''}` }, ...rest]
}

const textOf = (parts: readonly TextPart[]) => parts.map(part => part.text).join('')

/**
 * Reads a document, asks, is answered (with the token that ends the answer, or cut before it), asks on: every step's ids,
 * and those of the whole conversation rendered at once.
 */
function talk(tokenizer: Tokenizer, { ended }: { ended: boolean }) {
  const opening = openingOf(tokenizer, DOCUMENT, { time: TIME })
  const { stopIds, closing } = answerEnd(tokenizer)
  const head = { content: DOCUMENT, document: opening.document, text: textOf(opening.parts) }
  const read = (run: Parameters<Tokenizer['readParts']>[0], parts: readonly TextPart[]) =>
    tokenizer.readParts(
      run,
      parts.map(part => ({ text: part.text, control: part.from === 'template' })),
    )
  let run: RunAfter & { tokens: Int32Array; rest: Int32Array } = read(tokenizer.startRun(), opening.parts)
  const ids = [...run.tokens]
  const turns: ChatMessage[] = []
  let lastAnswer = ''
  const steps = QUESTIONS.map((question, i) => {
    const parts = turnOf(tokenizer, { opening: head, turns, loose: '', lastAnswer, time: TIME }, user(question))
    run = read({ ...run, after: ids.at(-1) }, parts)
    ids.push(...run.tokens, ...run.rest)
    turns.push({ role: 'user', content: question })
    const found = [...ids]
    const messages = wholeOf(opening.document, turns)
    const whole = tokenizer.renderChat(messages, { time: TIME })

    // The answer as the model would have written it: what the template has in its place.
    const answer = ANSWERS[i] ?? ''
    turns.push({ role: 'assistant', content: answer })
    const marked = tokenizer.renderChat(
      [...messages, { role: 'assistant', content: answer }, { role: 'user', content: 'x' }],
      { time: TIME },
    )
    const at = marked.text.indexOf(answer, whole.text.length)
    const written = [...tokenizer.encode(marked.text.slice(0, at + answer.length))]
    expect(written.slice(0, ids.length)).toEqual(ids)
    const [stop] = stopIds
    const end = ended && stop !== undefined && closing.startsWith(tokenizer.decode([stop])) ? [stop] : []
    const generated = [...written.slice(ids.length), ...end]
    ids.push(...generated)
    lastAnswer = tokenizer.decode(generated)
    run = { ...run, tokens: new Int32Array(0), tail: '', atStart: false }
    return { found, whole, expected: [...tokenizer.encode(whole.text)] }
  })
  return { opening, steps }
}

const GOLDEN = ['qwen2-style', 'llama3-style', 'digits-style', 'metaspace-style', 'sentencepiece-style']

describe('a conversation, turn by turn, has the tokens of the whole rendered at once', () => {
  test.each(GOLDEN)('the chat template of the reference tokenizer %s', async family => {
    for (const ended of [true, false]) {
      const { steps } = talk(await openFamily(family), { ended })
      for (const { found, expected } of steps) expect(found).toEqual(expected)
    }
  })

  test.each(CHAT_FORMATS.map(format => [format.name, format] as const))('%s', async (_, format) => {
    const tokenizer = await openFormat(format)
    for (const ended of [true, false]) {
      const { opening, steps } = talk(tokenizer, { ended })
      expect(opening.document).toBe(format.document)
      for (const { found, whole, expected } of steps) {
        expect(tokenizer.decode(found)).toBe(tokenizer.decode(expected))
        expect(found).toEqual(expected)
        expect(whole.text.split(DOCUMENT.trim())).toHaveLength(2)
      }
    }
  })

  test('a chat model with a default system turn is asked about its document as the reference renders it', async () => {
    const format = CHAT_FORMATS.find(({ name }) => name === 'SmolLM 2')
    if (format === undefined) throw new Error('no such format')
    const tokenizer = await openFormat(format)
    const content = 'Answer from the document.\n\nThe tower is 30 metres high. It was built in 1901.\n'
    const opening = openingOf(tokenizer, content)
    const text = textOf(opening.parts)
    const head = { content, document: opening.document, text }
    const first = textOf(
      turnOf(tokenizer, { opening: head, turns: [], loose: '', lastAnswer: '' }, user('How high is the tower?')),
    )
    expect(text + first).toBe(
      '<|im_start|>system\nAnswer from the document.\n\nThe tower is 30 metres high. It was built in 1901.\n<|im_end|>\n<|im_start|>user\nHow high is the tower?<|im_end|>\n<|im_start|>assistant\n',
    )
    const turns = [
      { role: 'user', content: 'How high is the tower?' },
      { role: 'assistant', content: 'It is 30 metres high.' },
    ]
    const ended = { opening: head, turns, loose: '', lastAnswer: 'It is 30 metres high.<|im_end|>' }
    expect(textOf(turnOf(tokenizer, ended, user('When was it built?')))).toBe(
      '\n<|im_start|>user\nWhen was it built?<|im_end|>\n<|im_start|>assistant\n',
    )
    // Cut before its end, the answer is closed first.
    expect(textOf(turnOf(tokenizer, { ...ended, lastAnswer: 'It is 30' }, user('When was it built?')))).toBe(
      '<|im_end|>\n<|im_start|>user\nWhen was it built?<|im_end|>\n<|im_start|>assistant\n',
    )
  })
})

describe('a text that was read without the template', () => {
  test('is followed by a user turn: no BOS, no default system turn in the middle of a context', async () => {
    for (const format of CHAT_FORMATS.filter(({ name }) => /^(SmolLM|Qwen 2.5|Llama 3|Gemma|Granite)/.test(name))) {
      const tokenizer = await openFormat(format)
      const turn = textOf(
        turnOf(tokenizer, { opening: null, turns: [], loose: DOCUMENT, lastAnswer: '' }, user('Who?')),
      )
      expect(turn).toMatch(/^\n\S/)
      expect(turn.split('Who?')).toHaveLength(2)
      expect(turn).not.toMatch(/system|You are|Date/)
      if (format.bos !== null && format.bos !== '<|im_start|>') expect(turn).not.toContain(format.bos)
    }
  })

  test('is followed by a question as base models know it where there is no template', async () => {
    const tokenizer = await openFamily('gpt2-style')
    const plain = { opening: null, turns: [], loose: 'A text.\n', lastAnswer: '' }
    expect(textOf(turnOf(tokenizer, plain, user('Who?')))).toBe('\nQuestion: Who?\nAnswer:')
    expect(answerEnd(tokenizer).stopTexts).toEqual(['\nQuestion:'])
  })
})

describe('templates that lose a document', () => {
  test('one that keeps it nowhere is refused, in its own words where it has some', async () => {
    const drops = await openVariant('qwen2-style', () => {}, {
      chat_template: '{% for m in messages %}{% if loop.last %}{{ m.content }}{% endif %}{% endfor %}',
    })
    const refuses = await openVariant('qwen2-style', () => {}, {
      chat_template: "{{ raise_exception('Only tools may speak') }}",
    })
    expect(() => drops && openingOf(drops, DOCUMENT)).toThrow(/keeps no document/)
    expect(() => refuses && openingOf(refuses, DOCUMENT)).toThrow(/Only tools may speak/)
  })
})
