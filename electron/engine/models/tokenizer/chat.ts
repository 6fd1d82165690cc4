import { StatePackError } from '#shared/domain/error.ts'
import { readTemplate, type Template } from './template.ts'
import type { Tokenizer } from './tokenizer.ts'
import type { TokenizerFiles } from './tokenizerFiles.ts'

export interface ChatMessage {
  readonly role: string
  readonly content: string
}

/** A stretch of tokens of one origin: half-open, in tokens and in UTF-16 characters of the rendered text. */
export interface ChatSpan {
  readonly kind: 'system' | 'template' | 'control' | 'user' | 'assistant'
  readonly start: number
  readonly end: number
  readonly charStart: number
  readonly charEnd: number
}

export interface RenderedChat {
  readonly text: string
  readonly ids: Int32Array
  /** Covers every token, in order. A token across an edge counts to the part that its first written character is in. */
  readonly spans: readonly ChatSpan[]
  /** Control tokens that a message spelt out itself (`<|im_start|>` in a user's text): prompt injection, or a quotation. */
  readonly warnings: readonly (ChatSpan & { readonly token: string; readonly role: string })[]
}

export interface ChatOptions {
  /** End with the opening of the assistant's turn; default true. */
  readonly addGenerationPrompt?: boolean
}

interface Context {
  readonly files: TokenizerFiles
  readonly tokenizer: Tokenizer
  readonly specialIds: ReadonlySet<number>
}

/** A stretch of the rendered text: a message's content, or the template around it. */
interface Part {
  readonly start: number
  readonly end: number
  readonly role: string | null
}

/**
 * Renders messages through the model's chat template (Jinja, by the library). Throws `E_TOKENIZER` when the model has no
 * template or the template refuses the messages, with the template's own words.
 */
export function renderChat(files: TokenizerFiles, messages: readonly ChatMessage[], options?: ChatOptions): string {
  return rendererOf(files, options)(messages)
}

/** {@link renderChat}, with the ids and where every one of them came from. */
export function inspectChat(
  { files, tokenizer, specialIds }: Context,
  messages: readonly ChatMessage[],
  options?: ChatOptions,
): RenderedChat {
  const render = rendererOf(files, options)
  const text = render(messages)
  const ids = tokenizer.encode(text)
  const parts = partsOf(render, messages, text)

  const spans: { -readonly [Key in keyof ChatSpan]: ChatSpan[Key] }[] = []
  const warnings: (ChatSpan & { token: string; role: string })[] = []
  let part = 0
  tokenizer.offsets(text, ids).forEach((offset, i) => {
    // A word with its space belongs where the word is.
    const written = /\S/.exec(text.slice(offset.start, offset.end))?.index ?? 0
    while (part < parts.length - 1 && offset.start + written >= (parts[part]?.end ?? 0)) part++
    const role = parts[part]?.role ?? null
    const isControl = specialIds.has(offset.id)
    const kind = isControl ? 'control' : kindOf(role)
    const span = { kind, start: i, end: i + 1, charStart: offset.start, charEnd: offset.end } as const
    if (isControl && role !== null) warnings.push({ ...span, token: offset.text, role })
    const last = spans.at(-1)
    if (last !== undefined && last.kind === kind && !isControl) {
      last.end = i + 1
      last.charEnd = Math.max(last.charEnd, offset.end)
    } else spans.push({ ...span })
  })
  return { text, ids, spans, warnings }
}

function kindOf(role: string | null): ChatSpan['kind'] {
  if (role === null) return 'template'
  if (role === 'system' || role === 'developer') return 'system'
  return role === 'assistant' ? 'assistant' : 'user'
}

type Render = (messages: readonly ChatMessage[]) => string

function rendererOf(
  { chatTemplate, specialTokens }: TokenizerFiles,
  { addGenerationPrompt = true }: ChatOptions = {},
): Render {
  if (chatTemplate === null) {
    const message = 'This model has no chat template: it takes plain text only.'
    throw new StatePackError('E_TOKENIZER', message, { field: 'chat_template' })
  }
  let template: Template
  try {
    template = readTemplate(chatTemplate)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `The chat template of this model cannot be read: ${reason}`
    throw new StatePackError('E_TOKENIZER', message, { field: 'chat_template' }, cause)
  }
  return messages => {
    try {
      return template.render({ messages: [...messages], add_generation_prompt: addGenerationPrompt, ...specialTokens })
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      const details = { field: 'chat_template', refused: reason }
      throw new StatePackError('E_TOKENIZER', `The chat template refuses these messages: ${reason}`, details, cause)
    }
  }
}

/**
 * Which parts of the rendered text are whose. The template is rendered a second time with a marker for every content; what
 * stands between the markers is the template's own, and is looked for in the real text in order. A template that treats
 * contents differently (cuts them, looks into them) is followed as far as the contents can be found.
 */
function partsOf(render: Render, messages: readonly ChatMessage[], text: string): Part[] {
  const marked = messages.map((message, i) => ({ ...message, content: `\uE000${i}\uE001` }))
  let frame: string
  try {
    frame = render(marked)
  } catch {
    frame = messages.map((_, i) => `\uE000${i}\uE001`).join('')
  }
  const parts: Part[] = []
  let at = 0
  const template = (end: number): void => {
    if (end > at) parts.push({ start: at, end, role: null })
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
    template(found.start)
    if (found.end > found.start) parts.push({ start: found.start, end: found.end, role: message.role })
    at = found.end
  }
  template(text.length)
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
