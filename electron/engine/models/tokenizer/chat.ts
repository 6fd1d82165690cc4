import { StatePackError } from '#shared/domain/error.ts'
import { type CivilTime, civilNow, strftime } from './strftime.ts'
import { readTemplate, type Template } from './template.ts'
import type { TokenizerFiles } from './tokenizerFiles.ts'

export interface ChatMessage {
  readonly role: string
  readonly content: string
}

/** A stretch of a rendered conversation: what a message says, or what the template writes around it (`role` null). */
export interface ChatPart {
  readonly text: string
  readonly role: string | null
}

export interface RenderedChat {
  readonly text: string
  /** The text in its parts, in order; a content the template trims is found trimmed. */
  readonly parts: readonly ChatPart[]
  /** The template asked what day or time it is. */
  readonly asksTime: boolean
}

export interface ChatOptions {
  /** End with the opening of the assistant's turn; default true. */
  readonly addGenerationPrompt?: boolean
  /** What the template is told when it asks for the date; default now. */
  readonly time?: CivilTime
  /** For a model without a template: questions and answers as base models have seen them in texts, instead of a refusal. */
  readonly orPlain?: boolean
}

export type RenderChat = (messages: readonly ChatMessage[], options?: ChatOptions) => RenderedChat

/** How a model without a chat template is asked. */
const PLAIN_TEMPLATE =
  "{% for m in messages %}{% if m['role'] == 'user' %}{{ 'Question: ' + m['content'] + '\\nAnswer:' }}{% elif m['role'] == 'assistant' %}{{ ' ' + m['content'] + '\\n' }}{% else %}{{ m['content'] + '\\n\\n' }}{% endif %}{% endfor %}"

/**
 * Renders conversations through the model's chat template (Jinja, by the library), which is read once. What it gives throws
 * `E_TOKENIZER` when the model has no template or the template refuses the messages, with the template's own words.
 */
export function createChatRenderer({ chatTemplate, specialTokens }: TokenizerFiles): RenderChat {
  let own: Template | null = null
  const templateOf = (orPlain: boolean): Template => {
    if (chatTemplate === null) return orPlain ? readTemplate(PLAIN_TEMPLATE) : refuseWithout()
    own ??= readOwn(chatTemplate)
    return own
  }
  return (messages, { addGenerationPrompt = true, time, orPlain = false } = {}) => {
    const template = templateOf(orPlain)
    const now = time ?? civilNow()
    let asksTime = false
    const render = (said: readonly ChatMessage[]): string => {
      try {
        return template.render({
          messages: said.map(message => ({ ...message })),
          add_generation_prompt: addGenerationPrompt,
          // As the reference calls it when there are none.
          ...{ tools: null, documents: null },
          ...specialTokens,
          strftime_now: (format: string) => {
            asksTime = true
            return strftime(now, format)
          },
        })
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause)
        const details = { field: 'chat_template', refused: reason }
        throw new StatePackError('E_TOKENIZER', `The chat template refuses these messages: ${reason}`, details, cause)
      }
    }
    const text = render(messages)
    return { text, parts: partsOf(render, messages, text), asksTime }
  }
}

function refuseWithout(): never {
  const message = 'This model has no chat template: it takes plain text only.'
  throw new StatePackError('E_TOKENIZER', message, { field: 'chat_template' })
}

function readOwn(chatTemplate: string): Template {
  try {
    return readTemplate(chatTemplate)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `The chat template of this model cannot be read: ${reason}`
    throw new StatePackError('E_TOKENIZER', message, { field: 'chat_template' }, cause)
  }
}

/**
 * Which parts of the rendered text are whose. The template is rendered a second time with a marker for every content; what
 * stands between the markers is the template's own, and is looked for in the real text in order. A template that treats
 * contents differently (cuts them, looks into them) is followed as far as the contents can be found.
 */
function partsOf(
  render: (messages: readonly ChatMessage[]) => string,
  messages: readonly ChatMessage[],
  text: string,
): ChatPart[] {
  const marked = messages.map((message, i) => ({ ...message, content: `\uE000${i}\uE001` }))
  let frame: string
  try {
    frame = render(marked)
  } catch {
    frame = messages.map((_, i) => `\uE000${i}\uE001`).join('')
  }
  const parts: ChatPart[] = []
  let at = 0
  const add = (end: number, role: string | null): void => {
    if (end > at) parts.push({ text: text.slice(at, end), role })
    at = Math.max(at, end)
  }
  const pieces = frame.split(/\uE000(\d+)\uE001/)
  for (let i = 1; i < pieces.length; i += 2) {
    const message = messages[Number(pieces[i])]
    const before = pieces[i - 1] ?? ''
    const after = pieces[i + 1] ?? ''
    if (message === undefined) continue
    const from = text.startsWith(before, at) ? at + before.length : at
    const found = contentAt(text, message.content, from, after)
    if (found === null) continue
    add(found.start, null)
    add(found.end, message.role)
  }
  add(text.length, null)
  return parts
}

/** A message's content as the template wrote it: whole or trimmed, here or further on, followed by the template's own text. */
function contentAt(text: string, content: string, from: number, after: string): { start: number; end: number } | null {
  const forms = [content, content.trim(), content.trimEnd(), content.trimStart()]
  for (const form of forms) {
    if (text.startsWith(form, from) && text.startsWith(after, from + form.length)) {
      return { start: from, end: from + form.length }
    }
  }
  for (const form of forms) {
    const start = form === '' ? -1 : text.indexOf(form, from)
    if (start >= 0) return { start, end: start + form.length }
  }
  return null
}
