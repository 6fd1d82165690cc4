import { StatePackError } from '#shared/domain/error.ts'
import type { Tool, ToolCall } from '#shared/domain/tool.ts'
import { withPlainTools } from './plainTools.ts'
import { type CivilTime, civilNow, strftime } from './strftime.ts'
import { readTemplate, type Template } from './template.ts'
import { templateMessage, templateTool } from './templateTools.ts'
import type { TokenizerFiles } from './tokenizerFiles.ts'
import { findToolForm, type ToolForm } from './toolForm.ts'

export interface ChatMessage {
  readonly role: string
  readonly content: string
  /** Of the assistant. */
  readonly toolCalls?: readonly ToolCall[] | undefined
  /** Of the tool that gave this. */
  readonly name?: string | undefined
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
  /** Messages that say something, the system's not counted, as the template was given them. */
  readonly spoken: number
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
  /** Tools that the model may call: where the template keeps them, else in the system message. */
  readonly tools?: readonly Tool[] | undefined
}

export type RenderChat = (messages: readonly ChatMessage[], options?: ChatOptions) => RenderedChat

/** How a model without a chat template is asked. */
const PLAIN_TEMPLATE =
  "{% for m in messages %}{% if m['role'] == 'user' %}{{ 'Question: ' + m['content'] + '\\nAnswer:' }}{% elif m['role'] == 'assistant' %}{{ ' ' + m['content'] + '\\n' }}{% else %}{{ m['content'] + '\\n\\n' }}{% endif %}{% endfor %}"

export interface ChatRenderer {
  readonly renderChat: RenderChat
  /** How the model is told of tools and calls them. Throws `E_NOT_SUPPORTED` without a template. */
  readonly toolForm: () => ToolForm
}

/**
 * Renders conversations through the model's chat template (Jinja, by the library), which is read once. What it gives throws
 * `E_TOKENIZER` when the model has no template or the template refuses the messages, with the template's own words, and
 * `E_NOT_SUPPORTED` for tools that spell out one of the `control` tokens where the template would write it.
 */
export function createChatRenderer(
  { chatTemplate, specialTokens }: TokenizerFiles,
  control: readonly string[] = [],
): ChatRenderer {
  let own: Template | null = null
  let form: ToolForm | null = null
  const templateOf = (orPlain: boolean): Template => {
    if (chatTemplate === null) return orPlain ? readTemplate(PLAIN_TEMPLATE) : refuseWithout()
    own ??= readOwn(chatTemplate)
    return own
  }
  const toolForm = (): ToolForm => {
    if (chatTemplate === null) throw noTools()
    form ??= findToolForm((messages, options) => renderChat(messages, options, null).text)
    return form
  }
  /** `written`: how tools are told; null: as the template does by itself. */
  const renderChat = (
    messages: readonly ChatMessage[],
    { addGenerationPrompt = true, time, orPlain = false, tools }: ChatOptions,
    written: ToolForm | null,
  ): RenderedChat => {
    const template = templateOf(orPlain)
    const now = time ?? civilNow()
    const isOwn = written === null || written.place === 'template'
    const told = isOwn ? messages : withPlainTools(messages, { tools, place: written.place })
    const templateTools = isOwn && tools !== undefined ? tools.map(templateTool) : null
    let asksTime = false
    const render = (said: readonly ChatMessage[]): string => {
      try {
        return template.render({
          messages: said.map(templateMessage),
          add_generation_prompt: addGenerationPrompt,
          // As the reference calls it when there are none.
          ...{ tools: templateTools, documents: null },
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
    const text = render(told)
    const { parts, lost } = partsOf(render, told, text)
    if (isOwn) refuseSpelled(control, { tools, messages: told, lost })
    const spoken = told.filter(({ role, content }) => role !== 'system' && content !== '').length
    return { text, parts, spoken, asksTime }
  }
  return {
    toolForm,
    renderChat: (messages, options = {}) => {
      const hasTools =
        options.tools !== undefined || messages.some(({ role, toolCalls }) => toolCalls || role === 'tool')
      return renderChat(messages, options, hasTools ? toolForm() : null)
    },
  }
}

/**
 * The template writes tools and calls among its own words, where a control token that one of them spells out would be
 * meant as such. Throws `E_NOT_SUPPORTED`.
 */
function refuseSpelled(
  control: readonly string[],
  {
    tools,
    messages,
    lost,
  }: { tools?: readonly Tool[] | undefined; messages: readonly ChatMessage[]; lost: Set<number> },
): void {
  const given = messages.flatMap(({ role, content, toolCalls = [] }, i) => [
    // As they are written, whatever escapes they came with.
    ...toolCalls.map(call => JSON.stringify(JSON.parse(call.arguments))),
    ...((role === 'tool' || tools !== undefined) && lost.has(i) ? [content] : []),
  ])
  const texts = [...given, ...(tools === undefined ? [] : [JSON.stringify(tools)])]
  const spelled = control.find(token => texts.some(text => text.includes(token)))
  if (spelled === undefined) return
  const message = `A tool or a call of one spells out ${spelled}, a control token of this model. Write it otherwise.`
  throw new StatePackError('E_NOT_SUPPORTED', message, { field: 'tools', token: spelled })
}

function noTools(): StatePackError {
  const message = 'This model has no chat template, so it cannot be told of tools. Choose a model that converses.'
  return new StatePackError('E_NOT_SUPPORTED', message, { field: 'tools' })
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
): { parts: ChatPart[]; lost: Set<number> } {
  const isSaid = ({ content, toolCalls }: ChatMessage) => content !== '' || toolCalls === undefined
  const marked = messages.map((message, i) => (isSaid(message) ? { ...message, content: `\uE000${i}\uE001` } : message))
  let frame: string
  try {
    frame = render(marked)
  } catch {
    frame = messages.map((_, i) => `\uE000${i}\uE001`).join('')
  }
  const parts: ChatPart[] = []
  const lost = new Set(messages.keys())
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
    const found = contentAt(text, message, from, after)
    if (found === null) continue
    lost.delete(Number(pieces[i]))
    add(found.start, null)
    add(found.end, message.role)
  }
  add(text.length, null)
  return { parts, lost }
}

/**
 * A message's content as the template wrote it: whole or trimmed, here or further on, followed by the template's own text.
 * What a tool gave may stand there as a text of JSON.
 */
function contentAt(
  text: string,
  { content, role }: ChatMessage,
  from: number,
  after: string,
): { start: number; end: number } | null {
  const json = role === 'tool' ? [JSON.stringify(content).slice(1, -1)] : []
  const forms = [content, content.trim(), content.trimEnd(), content.trimStart(), ...json]
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
