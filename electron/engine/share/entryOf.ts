import type { CatalogueEntry } from '#shared/domain/catalogue.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { exampleQuestions } from '../library/exampleQuestions.ts'
import type { Call, PacketContext } from '../packets/context.ts'
import { inferPacket } from '../packets/inferPacket.ts'
import { readDocuments, readPacket } from '../packets/packet.ts'
import { summaryOf } from '../packets/summaries.ts'

/** Example questions that are asked for a catalogue. */
const MOST_QUESTIONS = 5
const ANSWER_TOKENS = 48

/** What a catalogue says of a cartridge. Its example questions are really asked, as whoever gets it would ask them. */
export async function entryOf(
  context: PacketContext,
  {
    packetId,
    from,
    name,
    publisher,
    licence,
  }: { packetId: Digest; publisher: string } & Pick<CatalogueEntry, 'name' | 'from' | 'licence'>,
  call: Call,
): Promise<CatalogueEntry> {
  const packet = await readPacket(context.blobs, packetId)
  const { config } = packet
  const { card } = await readDocuments(context.blobs, packet)
  const summary = await summaryOf(context, packetId)
  const questions: CatalogueEntry['questions'] = []
  // An answer repeats the text that is withheld.
  const asks = config.origin.kind === 'withheld' ? [] : exampleQuestions(card).slice(0, MOST_QUESTIONS)
  for (const question of asks) {
    call.progress?.({ phase: 'asking its example questions', done: questions.length })
    const asked = {
      ref: packetId,
      delta: question,
      chat: true,
      maxNewTokens: ANSWER_TOKENS,
      persist: 'memory',
    } as const
    const { output } = await inferPacket(context, asked, { signal: call.signal })
    questions.push({ question: question.slice(0, 300), answer: output.trim().slice(0, 2000) })
  }
  return {
    ...{ name, title: summary.name, card, from, licence, questions },
    ...{ kind: config.kind, model: config.model, packetId, tokens: config.tokens.count, bytes: summary.bytes },
    publisher: { name: publisher, keyid: context.keys.current.keyid },
  }
}
