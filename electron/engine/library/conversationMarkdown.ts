import type { Digest } from '#shared/domain/digest.ts'
import { ENGLISH } from '#shared/figures/createFigures.ts'
import type { ConversationView } from '#shared/rpc/methods/conversations.ts'
import type { Turn } from '#shared/rpc/methods/turn.ts'

const { formatCount, formatSeconds } = ENGLISH

/** A conversation as Markdown: questions as headings, answers as they were written, and what each of them cost. */
export function conversationMarkdown(
  { name, system, updatedAt }: Pick<ConversationView, 'name' | 'system' | 'updatedAt'>,
  { turns, nameOf }: { turns: readonly Turn[]; nameOf: (packetId: Digest) => string | null },
): string {
  const head = [`# ${oneLine(name)}`, `${updatedAt.slice(0, 10)}, State Pack Studio.`]
  const told = system === '' ? [] : [`System prompt:\n\n${quoted(system)}`]
  return `${[...head, ...told, ...turns.map(turn => turnMarkdown(turn, nameOf))].join('\n\n')}\n`
}

function turnMarkdown(turn: Turn, nameOf: (packetId: Digest) => string | null): string {
  const { question, answer, besideId, rootPacketId, model, tokens, seconds, without, receiptId } = turn
  const from =
    rootPacketId === null
      ? `the bare model${model === null ? '' : ` ${model}`}`
      : `${nameOf(rootPacketId) ?? 'a cartridge that is gone'} (\`${rootPacketId}\`)`
  const cost = `${formatCount(tokens.tail + tokens.delta)} tokens read, ${formatCount(tokens.generated)} written, ${formatCount(Math.max(0, tokens.saved))} not re-read, ${formatSeconds(seconds)}`
  return [
    ...(besideId === null ? [`## ${oneLine(question)}`] : []),
    ...(besideId === null && question.includes('\n') ? [quoted(question)] : []),
    answer === '' ? '(no words)' : answer,
    ...(without === null ? [] : [`Without the cartridge:\n\n${quoted(without.answer || '(no words)')}`]),
    `*${from}: ${cost}. Receipt \`${receiptId}\`.*`,
  ].join('\n\n')
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

function quoted(text: string): string {
  return text
    .split('\n')
    .map(line => `> ${line}`.trimEnd())
    .join('\n')
}
