import type { BlobSource } from '../live/unstoredPackets.ts'
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
  const opening = template && content !== '' ? openedWith(tokenizer, { content, chat, isCut }) : null
  const talk = { turns: [] as ChatMessage[], loose: opening === null ? content : '', lastAnswer: '' }
  let answers = 0
  for (const step of later < 0 ? [] : steps.slice(later)) {
    if (step.do === 'read') hear(talk, texts[step.source] ?? new Uint8Array(), step.said)
    if (step.do !== 'generated') continue
    const written = state.segments.filter(segment => segment.kind === 'generated')[answers++]
    answer(talk, tokenizer, state.tokens.subarray(written?.start ?? 0, written?.end ?? 0))
  }
  // A question that was read and not answered stands before an empty answer.
  if (talk.turns.at(-1)?.role === 'user') talk.turns.push({ role: 'assistant', content: '' })
  return { opening, ...talk, time: chat?.time }
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
  { content, chat, isCut }: { content: string; chat: StateContents['recipe']['chat']; isCut: boolean },
): Conversation['opening'] {
  if (chat === undefined) {
    const { text } = tokenizer.renderChat([{ role: 'system', content }], { addGenerationPrompt: false })
    return { content, document: 'system', text }
  }
  const { parts } = openingOf(tokenizer, content, { time: chat.time })
  const document = parts.findLastIndex(part => part.from !== 'template')
  const after = parts.slice(document + 1).map(part => part.text)
  const text = parts.map(part => part.text).join('')
  return { content, document: chat.document, text, unread: isCut ? after.join('') : undefined }
}

/** A text that was appended: the question of a turn, or text that is nobody's. */
function hear(talk: Talk, bytes: Uint8Array, said: readonly number[] = []): void {
  const [question = '', ...later] = spansOf(said).map(span => decode(bytes.subarray(...span)))
  if (question === '') {
    talk.loose += decode(bytes)
    return
  }
  if (talk.turns.at(-1)?.role === 'user') talk.turns.push({ role: 'assistant', content: '' })
  const content = talk.turns.length === 0 ? question : `${talk.loose}${question}`
  talk.turns.push({ role: 'user', content })
  for (const [i, text] of later.entries()) talk.turns.push({ role: i % 2 === 0 ? 'assistant' : 'user', content: text })
  talk.loose = ''
  talk.lastAnswer = ''
}

function spansOf(said: readonly number[]): [number, number][] {
  return said.flatMap((start, i) => (i % 2 === 0 ? [[start, said[i + 1] ?? start] as [number, number]] : []))
}

function answer(talk: Talk, tokenizer: Tokenizer, ids: Int32Array): void {
  if (talk.turns.at(-1)?.role !== 'user') talk.turns.push({ role: 'user', content: talk.loose.trim() })
  talk.turns.push({ role: 'assistant', content: tokenizer.decode(ids, { skipSpecial: true }).trim() })
  talk.lastAnswer = tokenizer.decode(ids)
  talk.loose = ''
}

async function readSource(blobs: BlobSource, source: StateContents['sources'][number]): Promise<Uint8Array> {
  if ('layer' in source) return blobs.read(source.layer)
  return 'bytes' in source ? source.bytes : new Uint8Array()
}

function decode(bytes: Uint8Array | undefined): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}
