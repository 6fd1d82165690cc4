import { type SaidMessage, toolsOf } from '#shared/domain/tool.ts'
import type { BlobSource } from '../live/unstoredPackets.ts'
import { callIn } from '../models/tokenizer/callIn.ts'
import { type Conversation, openingOf } from '../models/tokenizer/conversation.ts'
import type { ChatMessage, Tokenizer } from '../models/tokenizer/tokenizer.ts'
import type { StateContents } from './assemble.ts'
import { tokenizerOf } from './composeText.ts'
import type { TextState } from './growState.ts'
import { plainText } from './plainText.ts'

/** In the place of texts that are not told: what the template writes after them is the same whatever they are. */
const STAND_IN = 'text'

type Step = StateContents['recipe']['steps'][number]

/**
 * What a state has read, as a conversation: what it opened with, the turns since, and text that is no turn. Throws what
 * reading the sources throws, and `E_TOKENIZER` when the template does not render what it rendered before.
 */
export async function readConversation(blobs: BlobSource, state: TextState): Promise<Conversation> {
  const texts = await Promise.all(state.sources.map(source => readSource(blobs, source)))
  return conversationOf(state, texts)
}

/** {@link readConversation} of a state whose sources are at hand, in their order. */
export function conversationOf(
  state: Pick<TextState, 'loaded' | 'recipe' | 'segments' | 'tokens'>,
  texts: readonly Uint8Array[],
): Conversation {
  const tokenizer = tokenizerOf(state.loaded.model)
  const { steps, systemPrompt, template, chat } = state.recipe
  const tools = state.recipe.tools === undefined ? undefined : (toolsOf(state.recipe.tools) ?? undefined)
  const later = steps.findIndex(step => step.do === 'generated' || isAppended(step))
  const first = later < 0 ? steps : steps.slice(0, later)
  const isWithheld = steps[0]?.do === 'withheld'
  const content = isWithheld
    ? STAND_IN
    : plainText(
        systemPrompt,
        first.flatMap(step => (step.do === 'read' ? [{ text: decode(texts[step.source]) }] : [])),
      )
  const isCut = first.some(step => step.do === 'first')
  const opening = template && content !== '' ? openedWith(tokenizer, { content, chat, isCut, tools }) : null
  const talk = { turns: [] as ChatMessage[], loose: opening === null ? content : '', lastAnswer: '' }
  let answers = 0
  for (const step of later < 0 ? [] : steps.slice(later)) {
    if (step.do === 'read') hear(talk, texts[step.source] ?? new Uint8Array(), step)
    if (step.do !== 'generated') continue
    const written = state.segments.filter(segment => segment.kind === 'generated')[answers++]
    const ids = state.tokens.subarray(written?.start ?? 0, written?.end ?? 0)
    answer(talk, tokenizer, { ids, ends: state.loaded.model.eosTokenIds, tools })
  }
  // A question that was read and not answered stands before an empty answer.
  if (isAsked(talk)) talk.turns.push({ role: 'assistant', content: '' })
  return { opening, ...talk, time: chat?.time, tools }
}

interface Talk {
  turns: ChatMessage[]
  loose: string
  lastAnswer: string
}

/** Whether a text was read after the state was created. */
function isAppended(step: Step): boolean {
  return step.do === 'read' && step.join === 'append'
}

function openedWith(
  tokenizer: Tokenizer,
  {
    content,
    chat,
    isCut,
    tools,
  }: { content: string; chat: StateContents['recipe']['chat']; isCut: boolean } & Pick<Conversation, 'tools'>,
): Conversation['opening'] {
  if (chat === undefined) {
    const { text } = tokenizer.renderChat([{ role: 'system', content }], { addGenerationPrompt: false })
    return { content, document: 'system', text }
  }
  const { parts } = openingOf(tokenizer, content, { time: chat.time, tools })
  const document = parts.findLastIndex(part => part.from !== 'template')
  const after = parts.slice(document + 1).map(part => part.text)
  const text = parts.map(part => part.text).join('')
  return { content, document: chat.document, text, unread: isCut ? after.join('') : undefined }
}

/** A text that was appended: the messages of a turn, or text that is nobody's. */
function hear(
  talk: Talk,
  bytes: Uint8Array,
  { said = [], messages }: Pick<Extract<Step, { do: 'read' }>, 'said' | 'messages'>,
): void {
  const [first, ...later] = messages ?? saidIn(bytes, said)
  if (first === undefined || (messages === undefined && first.content === '')) {
    talk.loose += decode(bytes)
    return
  }
  if (first.role === 'user' && isAsked(talk)) talk.turns.push({ role: 'assistant', content: '' })
  const content = talk.turns.length === 0 ? first.content : `${talk.loose}${first.content}`
  talk.turns.push({ ...first, content }, ...later)
  talk.loose = ''
  talk.lastAnswer = ''
}

/** What the user and the assistant said alternately. */
export function saidIn(text: Uint8Array, said: readonly number[]): SaidMessage[] {
  return spansOf(said).map((span, i) => {
    const content = decode(text.subarray(...span))
    return i % 2 === 0 ? { role: 'user', content } : { role: 'assistant', content }
  })
}

/** Whether an answer comes next. */
function isAsked({ turns }: Talk): boolean {
  const role = turns.at(-1)?.role
  return role === 'user' || role === 'tool'
}

function spansOf(said: readonly number[]): [number, number][] {
  return said.flatMap((start, i) => (i % 2 === 0 ? [[start, said[i + 1] ?? start] as [number, number]] : []))
}

function answer(
  talk: Talk,
  tokenizer: Tokenizer,
  { ids, ends, tools }: { ids: Int32Array; ends: readonly number[] } & Pick<Conversation, 'tools'>,
): void {
  if (!isAsked(talk)) talk.turns.push({ role: 'user', content: talk.loose.trim() })
  talk.turns.push(
    tools === undefined ? { role: 'assistant', content: plainly(tokenizer, ids) } : called(tokenizer, { ids, ends }),
  )
  talk.lastAnswer = tokenizer.decode(ids)
  talk.loose = ''
}

function plainly(tokenizer: Tokenizer, ids: Int32Array): string {
  return tokenizer.decode(ids, { skipSpecial: true }).trim()
}

/** An answer that may have called a tool. */
function called(
  tokenizer: Tokenizer,
  { ids, ends }: { readonly ids: Int32Array; readonly ends: readonly number[] },
): ChatMessage {
  // Without the token that ended it: a control token, or whatever else ends an answer of this model.
  const last = ids.at(-1) ?? -1
  const said = tokenizer.specialIds.includes(last) || ends.includes(last) ? ids.subarray(0, -1) : ids
  const { content, call } = callIn(tokenizer.toolForm(), tokenizer.decode(said))
  if (call === null || !call.isWhole) return { role: 'assistant', content: plainly(tokenizer, ids) }
  return { role: 'assistant', content: content.trim(), toolCalls: [{ name: call.name, arguments: call.arguments }] }
}

async function readSource(blobs: BlobSource, source: StateContents['sources'][number]): Promise<Uint8Array> {
  if ('layer' in source) return blobs.read(source.layer)
  return 'bytes' in source ? source.bytes : new Uint8Array()
}

function decode(bytes: Uint8Array | undefined): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}
