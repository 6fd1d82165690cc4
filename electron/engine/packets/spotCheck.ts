import type { Output } from '#shared/rpc/client.ts'
import { argmax } from '../inference/logits.ts'
import type { Session } from '../inference/session.ts'
import type { Tokenizer } from '../models/tokenizer/tokenizer.ts'
import { tokenizerOf } from './composeText.ts'
import type { Call, PacketContext } from './context.ts'
import { type OpenedState, openState } from './openState.ts'
import { readDocuments } from './packet.ts'
import { sentencesToEnd } from './sentencesToEnd.ts'

/** Sentences that are tried, and how many of them count at most. */
const MOST_TRIED = 16
const MOST_CHECKED = 10
/** Tokens of an ending; a word takes fewer. */
const MOST_TOKENS = 12

/**
 * What a state remembers of its own text, measured: sentences of it are begun again and the model ends them, once from the
 * state and once from nothing. Those that the bare model ends rightly say nothing about memory and do not count. Asking
 * questions would measure how well the model understands them, too. Keeps the result with the packet; records no receipt, as
 * nothing is made. Throws what {@link openState} throws, `E_CANCELLED`.
 */
export async function spotCheck(
  context: PacketContext,
  ref: string,
  call: Call = {},
): Promise<Output<'packets.spotCheck'>> {
  const started = performance.now()
  const state = await openState(context, ref, call)
  if (state.packet === null) throw new TypeError('a stored state has a packet')
  const tokenizer = tokenizerOf(state.loaded.model)
  const { sources } = await readDocuments(context.blobs, state.packet)
  const sentences = sentencesToEnd(sources.map(({ text }) => text).join('\n'), MOST_TRIED)
  const { runtime } = state.loaded
  const room = (runtime.model.contextLength ?? Number.POSITIVE_INFINITY) - state.tokens.length - MOST_TOKENS
  const found = { recalled: 0, checked: 0, tried: 0 }
  let after: Session | null = null
  try {
    for (const { start, end } of sentences) {
      if (found.checked === MOST_CHECKED) break
      call.progress?.({ phase: 'checking what it recalls', done: found.tried, total: sentences.length, unit: 'items' })
      const begun = tokenizer.encode(`${state.tail}\n${start}`)
      if (begun.length > room) continue
      found.tried += 1
      using bare = runtime.newSession()
      if (await ends(bare, tokenizer, { begun: tokenizer.encode(start), end }, call)) continue
      after = await backTo(state, after)
      found.checked += 1
      if (await ends(after, tokenizer, { begun, end }, call)) found.recalled += 1
    }
  } finally {
    after?.dispose()
  }
  const { packetId } = state.packet
  context.store.library.spotChecks.set(packetId, found, Date.now())
  context.changed([packetId])
  return { ...found, seconds: (performance.now() - started) / 1000 }
}

/** A session that stands where the state ends: the one before, cut back, where a state can be. */
async function backTo(state: OpenedState, session: Session | null): Promise<Session> {
  if (session === null || session.kind !== 'kv') {
    session?.dispose()
    return state.loaded.runtime.restore(state.snapshot)
  }
  session.truncate(state.tokens.length)
  return session
}

/** Whether the model goes on with this word, taking the most likely token each time. */
async function ends(
  session: Session,
  tokenizer: Tokenizer,
  { begun, end }: { readonly begun: Int32Array; readonly end: string },
  { signal }: Call,
): Promise<boolean> {
  const options = { logits: 'last', signal } as const
  const said: number[] = []
  for (let logits = await session.append(begun, options); logits !== null && said.length < MOST_TOKENS; ) {
    said.push(argmax(logits))
    const text = tokenizer.decode(said).trimStart()
    // The word may go on for a token: only what follows it shows that it ended there.
    const rest = text.slice(end.length)
    if (text !== '' && !text.startsWith(end) && !end.startsWith(text)) return false
    if (text.startsWith(end) && rest !== '') return !/^[\p{L}\p{N}]/u.test(rest)
    logits = await session.append(said.slice(-1), options)
  }
  return tokenizer.decode(said).trim() === end
}
