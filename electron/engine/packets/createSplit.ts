import { randomUUID } from 'node:crypto'
import { StatePackError } from '#shared/domain/error.ts'
import { nameFromTitle } from '#shared/domain/name.ts'
import type { Progress } from '#shared/rpc/progress.ts'
import { composeText, tokenizerOf } from './composeText.ts'
import type { Call, PacketContext } from './context.ts'
import { mostTokens } from './contextRoom.ts'
import { type Created, type CreateInput, createPacket } from './createPacket.ts'
import { freeName } from './publish.ts'

/**
 * A text longer than the model's context becomes several cartridges, cut at the ends of paragraphs, lines or sentences; one
 * that fits becomes one. The system prompt and the chat template stand in each, and each leaves room for questions. Throws
 * what creating throws.
 * The parts are one collection. Those already stored when it is cancelled stay.
 */
export async function createSplit(context: PacketContext, input: CreateInput, call: Call = {}): Promise<Created[]> {
  const model = await context.models.open(input.model)
  const tokenizer = tokenizerOf(model)
  const frame = composeText(model, { ...input, firstTokens: undefined, sources: [{ name: 'text', text: 'a' }] }).tokens
    .length
  const limit = model.contextLength === null ? Number.POSITIVE_INFINITY : mostTokens(model.contextLength) - frame
  if (limit < 1) {
    throw new StatePackError('E_CONTEXT_LENGTH', 'The system prompt leaves no room for the text: shorten it.', {
      ...{ tokens: frame, contextLength: model.contextLength },
    })
  }
  const text = input.sources.map(source => source.text).join('\n\n')
  // Room for the number of the part.
  const title = nameFromTitle(input.name ?? input.title ?? input.sources[0]?.name ?? 'Untitled').slice(0, 150)
  const parts = splitText(text, limit, piece => tokenizer.encode(piece).length)
  if (parts.length === 1) return [await createPacket(context, { ...input, firstTokens: undefined }, call)]
  const created: Created[] = []
  try {
    for (const [index, part] of parts.entries()) {
      const name = `${title}, part ${index + 1} of ${parts.length}`
      const progress = (report: Progress) =>
        call.progress?.({ ...report, part: { number: index + 1, of: parts.length } })
      created.push(
        await createPacket(
          context,
          { ...input, name: undefined, title: name, firstTokens: undefined, sources: [{ name, text: part }] },
          { ...call, progress },
        ),
      )
    }
    return created
  } finally {
    collect(context, title, created)
  }
}

/** Makes parts of one text a collection. They join the first of them that is in one; those that are elsewhere stay there. */
function collect(context: PacketContext, title: string, parts: readonly Created[]): void {
  const { collections } = context.store.library
  const ids = [...new Set(parts.map(({ packetId }) => packetId))]
  const known = ids.map(id => collections.of(id)).find(row => row !== null)
  const free = ids.filter(id => collections.of(id) === null)
  if (ids.length < 2 || free.length === 0) return
  const name = known === undefined ? { name: freeName(context, title) } : {}
  collections.save(
    known?.id ?? randomUUID(),
    { ...name, packetIds: [...(known?.packetIds ?? []), ...free] },
    Date.now(),
  )
  context.changed(free)
}

/** Pieces of at most `limit` tokens: whole paragraphs where they fit, else whole lines, sentences, words. */
export function splitText(text: string, limit: number, countTokens: (text: string) => number): string[] {
  if (countTokens(text) <= limit) return [text]
  for (const separator of [/(?<=\n\n)/, /(?<=\n)/, /(?<=[.!?]\s)/, /(?<=\s)/, /(?:)/u]) {
    const units = text.split(separator).filter(unit => unit !== '')
    if (units.length < 2) continue
    const parts: string[] = []
    let current = ''
    let size = 0
    for (const unit of units) {
      const tokens = countTokens(unit)
      if (current !== '' && size + tokens > limit) {
        parts.push(current)
        current = ''
        size = 0
      }
      current += unit
      size += tokens
    }
    if (current !== '') parts.push(current)
    return parts.flatMap(part =>
      countTokens(part) <= limit || part === text ? [part] : splitText(part, limit, countTokens),
    )
  }
  return [text]
}
