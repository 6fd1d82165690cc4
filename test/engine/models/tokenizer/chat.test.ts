import { describe, expect, test } from 'vitest'
import type { RenderedChat } from '#engine/models/tokenizer/tokenizer.ts'
import { openFamily, openVariant } from './variantTokenizer.ts'

const messages = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'user' },
  { role: 'assistant', content: 'Yes?' },
  { role: 'user', content: 'Who is Lena?' },
]

function said(chat: RenderedChat, role: string | null): string[] {
  return chat.parts.filter(part => part.role === role).map(part => part.text)
}

describe('who wrote what in a rendered chat', () => {
  test('contents and template are told apart, even when a content reads like the template', async () => {
    const chat = (await openFamily('qwen2-style')).renderChat(messages)
    expect(said(chat, 'system')).toEqual(['Be brief.'])
    expect(said(chat, 'user')).toEqual(['user', 'Who is Lena?'])
    expect(said(chat, 'assistant')).toEqual(['Yes?'])
  })

  test('the parts are the whole text, in order', async () => {
    for (const family of ['qwen2-style', 'llama3-style', 'digits-style', 'metaspace-style', 'sentencepiece-style']) {
      const { parts, text } = (await openFamily(family)).renderChat(messages.slice(1))
      expect(parts.map(part => part.text).join('')).toBe(text)
    }
  })

  test('a content that the template trims is found trimmed', async () => {
    const chat = (await openFamily('llama3-style')).renderChat([{ role: 'user', content: ' Hi there \n' }])
    expect(said(chat, 'user')).toEqual(['Hi there'])
  })
})

describe('templates that do not render', () => {
  test('a refusal keeps the words of the template', async () => {
    const tokenizer = await openFamily('metaspace-style')
    expect(() => tokenizer.renderChat([{ role: 'system', content: 'x' }])).toThrow(
      expect.objectContaining({
        code: 'E_TOKENIZER',
        details: expect.objectContaining({ refused: 'Only user and assistant roles are supported!' }),
      }),
    )
  })

  test('no template, or one that is no Jinja, is said so', async () => {
    const plain = await openFamily('gpt2-style')
    expect(() => plain.renderChat(messages)).toThrow(/no chat template/)
    const broken = await openVariant('qwen2-style', () => {}, { chat_template: '{% for %}' })
    expect(() => broken?.renderChat(messages)).toThrow(expect.objectContaining({ code: 'E_TOKENIZER' }))
  })
})
