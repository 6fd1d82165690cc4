import { StatePackError } from '#shared/domain/error.ts'
import type { Tool } from '#shared/domain/tool.ts'
import type { ChatMessage, ChatPart } from './chat.ts'
import type { CivilTime } from './strftime.ts'
import type { Tokenizer } from './tokenizer.ts'

/** Where a chat template keeps a document: as the system message, or at the beginning of the first user message. */
export type DocumentPlace = 'system' | 'user'

/** Text to be read, and who wrote it: only the template's control tokens are meant as such. */
export interface TextPart {
  readonly text: string
  readonly from: 'template' | 'system' | 'user'
}

/** A document as a conversation opens with it: all that stands before the first question, whatever that is. */
export interface Opening {
  readonly document: DocumentPlace
  readonly parts: readonly TextPart[]
  /** The template asked what day or time it is. */
  readonly asksTime: boolean
}

/** What a state has read, as the conversation it is. */
export interface Conversation {
  /** What it opened with, through the template; null: plain text, or nothing. */
  readonly opening: {
    readonly content: string
    readonly document: DocumentPlace
    readonly text: string
    /** What stands after the document, when only its first tokens were read. */
    readonly unread?: string | undefined
  } | null
  /** Turns after it, an answer last (or none). */
  readonly turns: readonly ChatMessage[]
  /** Text read since the last turn (or the opening) that belongs to no turn; the whole text where there is no opening. */
  readonly loose: string
  /** The end of the last answer as it stands in the state, control tokens spelt. */
  readonly lastAnswer: string
  readonly time?: CivilTime | undefined
  /** Tools that it was begun with. */
  readonly tools?: readonly Tool[] | undefined
}

type Chat = Pick<Tokenizer, 'renderChat' | 'specialTokens' | 'specialIds'>

/** Stands where a text will come; no text has it. */
const MARK = '\uE002'
const PLACES: readonly DocumentPlace[] = ['system', 'user']

/**
 * Finds where the template keeps a document: what it opens with must be the same whatever is asked and however long the
 * conversation gets, and must hold the document. Throws `E_TOKENIZER` with the template's own words when it keeps it nowhere.
 */
export function openingOf(
  chat: Chat,
  content: string,
  options: { time?: CivilTime | undefined; orPlain?: boolean; tools?: readonly Tool[] | undefined } = {},
): Opening {
  let refusal = 'it leaves the text out, or moves it when the conversation goes on'
  for (const document of PLACES) {
    try {
      const { parts, asksTime } = chat.renderChat(questioned({ content, document }, MARK), options)
      const later = chat.renderChat(
        [
          ...questioned({ content, document }, 'A'),
          { role: 'assistant', content: 'B' },
          { role: 'user', content: 'C' },
        ],
        options,
      )
      const opening = before(parts, document)
      const text = opening.map(part => part.text).join('')
      const said = content.trim()
      if (opening.length === 0 || !text.includes(said) || !later.text.startsWith(text)) continue
      return { document, parts: opening, asksTime }
    } catch (thrown) {
      if (!(thrown instanceof StatePackError) || thrown.details?.refused === undefined) throw thrown
      refusal = String(thrown.details.refused)
    }
  }
  throw new StatePackError(
    'E_TOKENIZER',
    `The chat template of this model keeps no document (${refusal}). Read the text without the template.`,
    { field: 'chat_template', refused: refusal },
  )
}

/** The messages of a document and the first question to it. */
function questioned(
  { content, document }: { content: string; document: DocumentPlace },
  question: string,
): ChatMessage[] {
  if (document === 'user') return [{ role: 'user', content: `${content}\n\n${question}` }]
  return [
    { role: 'system', content },
    { role: 'user', content: question },
  ]
}

/** The parts before the mark. */
function before(parts: readonly ChatPart[], document: DocumentPlace): TextPart[] {
  const found: TextPart[] = []
  for (const part of parts) {
    const at = part.text.indexOf(MARK)
    const text = at < 0 ? part.text : part.text.slice(0, at)
    if (text !== '') found.push({ text, from: fromOf(part, document === 'user' ? 'system' : 'user') })
    if (at >= 0) return found
  }
  return []
}

/** What the assistant or a tool said before is no more the template's than what the user says. */
function fromOf({ role }: ChatPart, user: 'system' | 'user' = 'user'): TextPart['from'] {
  if (role === null) return 'template'
  return role === 'system' ? 'system' : user
}

/**
 * The text that a question (or what tools gave) adds to a conversation: the template closes an answer that was cut short,
 * sets its own separators, and opens the answer to come. Together with what was read it is the whole conversation, rendered
 * at once.
 */
export function turnOf(chat: Chat, conversation: Conversation, asked: readonly ChatMessage[]): TextPart[] {
  const { opening, turns, loose, time, tools } = conversation
  const options = { time, tools, orPlain: true }
  if (opening === null && turns.length === 0 && loose === '') return partsFrom(chat.renderChat(asked, options).parts, 0)
  if (turns.length > 0 && loose === '') {
    const said = opening === null ? turns : [...withOpening(opening, turns)]
    const answered = [...said.slice(0, -1), { role: 'assistant', content: MARK }]
    const after = afterMark(chat.renderChat([...answered, ...asked], options).parts)
    if (after !== null) return without(after, alreadyRead(chat, conversation.lastAnswer, textOf(after)))
  }
  if (opening !== null && turns.length === 0) {
    const [first, ...rest] = asked
    const content = `${loose}${gapAfter(loose)}${first?.content ?? ''}`
    const { parts, text } = chat.renderChat(withOpening(opening, [{ role: 'user', content }, ...rest]), options)
    const read = opening.text + loose
    if (text.startsWith(read)) {
      const unread = { text: opening.unread ?? '', from: 'template' as const }
      return [unread, ...partsFrom(parts, read.length)].filter(hasText)
    }
  }
  return [{ text: gapAfter(loose), from: 'template' as const }, ...bareTurn(chat, asked, options)].filter(hasText)
}

/**
 * The text of a conversation that is read at once, after what it opens with: a question (or what a tool gave) last, and the
 * opening of its answer follows. Throws `E_TOKENIZER` when the template does not write
 * every message in its place.
 */
export function wholeOf(
  chat: Chat,
  { opening, time, tools }: Pick<Conversation, 'opening' | 'time' | 'tools'>,
  turns: readonly ChatMessage[],
): TextPart[] {
  const messages = opening === null ? turns : withOpening(opening, turns)
  const { parts, text, spoken } = chat.renderChat(messages, { time, tools, orPlain: true })
  const read = opening?.text ?? ''
  const said = partsFrom(parts, read.length)
  const found = said.filter((part, i) => part.from === 'user' && said[i - 1]?.from !== 'user')
  if (text.startsWith(read) && found.length === spoken) return said
  const message = 'The chat template does not write every message of this conversation in its place.'
  throw new StatePackError('E_TOKENIZER', message, { field: 'chat_template' })
}

/** A conversation's first messages with its document where the template keeps it. */
function withOpening(
  { content, document }: NonNullable<Conversation['opening']>,
  turns: readonly ChatMessage[],
): ChatMessage[] {
  const [first, ...rest] = turns
  if (document === 'system') return [{ role: 'system', content }, ...turns]
  return [{ role: 'user', content: `${content}\n\n${first?.content ?? ''}` }, ...rest]
}

/** One user turn and the opening of its answer, without what a conversation begins with (BOS, a default system turn). */
function bareTurn(
  chat: Chat,
  asked: readonly ChatMessage[],
  options: { time?: CivilTime | undefined; orPlain: boolean; tools?: readonly Tool[] | undefined },
): TextPart[] {
  const answered = [
    { role: 'user', content: 'A' },
    { role: 'assistant', content: MARK },
  ]
  const after = afterMark(chat.renderChat([...answered, ...asked], options).parts)
  if (after === null) return partsFrom(chat.renderChat(asked, options).parts, 0)
  const closed = afterMark(chat.renderChat(answered, { ...options, addGenerationPrompt: false }).parts)
  const closing = textOf(closed ?? [])
  return textOf(after).startsWith(closing) ? without(after, closing.length) : after
}

export interface AnswerEnd {
  readonly stopIds: readonly number[]
  readonly stopTexts: readonly string[]
  /** What the template writes after an answer when the conversation goes on. */
  readonly closing: string
}

/** What ends an answer in this template: the control token that closes a turn, or the text the next turn begins with. */
export function answerEnd(chat: Chat): AnswerEnd {
  let after: TextPart[] | null = null
  try {
    const turns = [
      { role: 'user', content: 'A' },
      { role: 'assistant', content: MARK },
      { role: 'user', content: 'B' },
    ]
    after = afterMark(chat.renderChat(turns, { orPlain: true }).parts)
  } catch {
    // A template that refuses this refuses a second question too; the model's own end of text is left.
  }
  const [first] = after ?? []
  if (first === undefined || first.from !== 'template') return { stopIds: [], stopTexts: [], closing: '' }
  const controls = chat.specialTokens
    .map((token, i) => ({ id: chat.specialIds[i], at: first.text.indexOf(token), length: token.length }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at || b.length - a.length)
  const [control] = controls
  const text = first.text.slice(0, control?.at).trimEnd()
  if (text !== '') return { stopIds: [], stopTexts: [text], closing: first.text }
  return { stopIds: control?.id === undefined ? [] : [control.id], stopTexts: [], closing: first.text }
}

/** How much of what follows an answer the state has read already: the control token that ended it, or the white space. */
function alreadyRead(chat: Chat, answer: string, after: string): number {
  const control = chat.specialTokens.filter(token => answer.endsWith(token)).sort((a, b) => b.length - a.length)[0]
  if (control !== undefined) return after.startsWith(control) ? control.length : 0
  const blank = answer.slice(answer.trimEnd().length)
  for (let length = blank.length; length > 0; length--) if (after.startsWith(blank.slice(-length))) return length
  return 0
}

function afterMark(parts: readonly ChatPart[]): TextPart[] | null {
  const at = parts.findLastIndex(part => part.role === 'assistant' && part.text === MARK)
  return at < 0 ? null : parts.slice(at + 1).map(part => ({ text: part.text, from: fromOf(part) }))
}

/** The parts from a character on. */
function partsFrom(parts: readonly ChatPart[], from: number): TextPart[] {
  return without(
    parts.map(part => ({ text: part.text, from: fromOf(part) })),
    from,
  )
}

function without(parts: readonly TextPart[], characters: number): TextPart[] {
  let left = characters
  return parts
    .map(part => {
      const cut = Math.min(left, part.text.length)
      left -= cut
      return { ...part, text: part.text.slice(cut) }
    })
    .filter(hasText)
}

function hasText({ text }: TextPart): boolean {
  return text !== ''
}

function textOf(parts: readonly TextPart[]): string {
  return parts.map(part => part.text).join('')
}

/** What a text lacks of a blank line after it. */
function gapAfter(text: string): string {
  if (text === '' || text.endsWith('\n\n')) return ''
  return text.endsWith('\n') ? '\n' : '\n\n'
}
