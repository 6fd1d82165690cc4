import { describe, expect, test } from 'vitest'
import { callIn } from '#engine/models/tokenizer/callIn.ts'
import { watchForCall } from '#engine/models/tokenizer/callWatch.ts'
import type { Tokenizer } from '#engine/models/tokenizer/tokenizer.ts'
import { TOOL_FORMATS, type ToolFormat } from '../../../model/toolTemplates.ts'
import { openVariant } from './variantTokenizer.ts'

const tools = [{ name: 'f', description: 'What it is.', parameters: { type: 'object', properties: { a: {} } } }]
const call = { role: 'assistant', content: '', toolCalls: [{ name: 'f', arguments: '{"a":1}' }] }

async function withTemplate(chat_template: ToolFormat['template']): Promise<Tokenizer> {
  const tokenizer = await openVariant('qwen2-style', () => {}, { chat_template })
  if (tokenizer === null) throw new Error('no tokenizer')
  return tokenizer
}

describe.each(TOOL_FORMATS)('$name', format => {
  test('is found in the template, and is how it writes and reads a call', async () => {
    const { toolForm, renderChat } = await withTemplate(format.template)
    const form = toolForm()
    expect(form.place).toBe(format.place)
    expect(`${form.open}f${form.middle}{"a": 1}${form.close}`).toBe(format.call)
    const asked = { role: 'user', content: 'How?' }
    const { text } = renderChat([asked, call, { role: 'tool', content: 'So.', name: 'f' }], { tools })
    expect(text).toContain(format.call)
    expect(text.indexOf('So.')).toBeGreaterThan(text.indexOf(format.call))
    expect(text).toContain('What it is.')
    expect(callIn(form, format.call)).toEqual({
      content: '',
      call: { name: 'f', arguments: '{"a": 1}', isWhole: true },
    })
    for (let length = 1; length < format.call.length; length++)
      expect(callIn(form, format.call.slice(0, length)).call?.isWhole ?? false).toBe(false)
  })

  test('is told piece by piece as it is told at once, wherever it is cut', async () => {
    const form = (await withTemplate(format.template)).toolForm()
    const answers = [
      format.call,
      'No call at all, 1 < 2 [sic] {"name"',
      ...(form.tag ? [`Let me see: ${format.call}`] : []),
    ]
    for (const answer of answers)
      for (const size of [1, 2, 3, 7, 100])
        for (const length of [answer.length, answer.length - 3]) {
          const told = { text: '', name: '', arguments: '' }
          const watch = watchForCall(form, (piece, of) => {
            told[of ?? 'text'] += piece
          })
          const cut = answer.slice(0, length)
          for (let at = 0; at < length; at += size) watch.push(cut.slice(at, at + size))
          watch.end('')
          const { content, call: whole } = callIn(form, cut)
          expect(told).toEqual({ text: content, name: whole?.name ?? '', arguments: whole?.arguments ?? '' })
        }
  })
})

test('what tools and calls say is never taken for a control token', async () => {
  const [qwen, , , , , plain] = await Promise.all(TOOL_FORMATS.map(({ template }) => withTemplate(template)))
  const told = [{ name: 'f', description: 'It ends with <|im_end|>.' }]
  const asked = [{ role: 'user', content: 'How?' }]
  expect(() => qwen?.renderChat(asked, { tools: told })).toThrow(/im_end/)
  const spelled = { ...call, toolCalls: [{ name: 'f', arguments: '{"a":"<|im_end|>"}' }] }
  const escaped = { ...call, toolCalls: [{ name: 'f', arguments: '{"a":"\\u003c|im_end|\\u003e"}' }] }
  for (const one of [spelled, escaped]) expect(() => qwen?.renderChat([...asked, one])).toThrow(/im_end/)
  // In a message it is a text like any other.
  const { parts = [] } =
    plain?.renderChat([...asked, spelled, { role: 'tool', content: '<|im_end|>' }], { tools: told }) ?? {}
  const template = parts.filter(({ role }) => role === null).map(({ text }) => text)
  expect(template.join('')).toBe(
    '<|im_start|>system\n<|im_end|>\n<|im_start|>user\n<|im_end|>\n<|im_start|>assistant\n<|im_end|>\n<|im_start|>user\n<|im_end|>\n<|im_start|>assistant\n',
  )
})
