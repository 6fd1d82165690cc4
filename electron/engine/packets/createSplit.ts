import { randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { StatePackError } from '#shared/domain/error.ts'
import { nameFromTitle } from '#shared/domain/name.ts'
import type { Progress } from '#shared/rpc/progress.ts'
import type { Model } from '../models/model.ts'
import { composeText, type TextInput, tokenizerOf } from './composeText.ts'
import type { Call, PacketContext } from './context.ts'
import { mostTokens } from './contextRoom.ts'
import { type Created, type CreateInput, createPacket } from './createPacket.ts'
import { freeName } from './publish.ts'
import { TEXT_CAP } from './readableText.ts'

/**
 * A text longer than the model's context, or than what is read at once, becomes several cartridges, cut at the ends of
 * paragraphs, lines or sentences; one that fits becomes one. The system prompt and the chat template stand in each, and each leaves room for questions. Throws
 * what creating throws.
 * The parts are one collection. Those already stored when it is cancelled stay.
 */
export async function createSplit(context: PacketContext, input: CreateInput, call: Call = {}): Promise<Created[]> {
  const model = await context.models.open(input.model)
  const whole = { ...input, firstTokens: undefined }
  const most = model.contextLength === null ? Number.POSITIVE_INFINITY : mostTokens(model.contextLength)
  if (isReadAtOnce(whole) && (most === Number.POSITIVE_INFINITY || composeText(model, whole).tokens.length <= most))
    return [await createPacket(context, whole, call)]
  // Room for the number of the part.
  const title = nameFromTitle(input.name ?? input.title ?? input.sources[0]?.name ?? 'Untitled').slice(0, 150)
  const parts = await cutText(model, whole, call.signal)
  const created: Created[] = []
  try {
    for (const [index, part] of parts.entries()) {
      const name = `${title}, part ${index + 1} of ${parts.length}`
      const progress = (report: Progress) =>
        call.progress?.({ ...report, part: { number: index + 1, of: parts.length } })
      created.push(
        await createPacket(
          context,
          { ...whole, name: undefined, title: name, sources: [{ name, text: part }] },
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

const bytesOf = (text: string) => Buffer.byteLength(text)
/** Bytes that are cut up in one turn of the event loop, of a text that is longer than what is read at once. */
const STRETCH = 2 ** 20

/** Texts are joined by blank lines, as they are when they are read together. */
export function joinedText({ sources }: Pick<TextInput, 'sources'>): string {
  return sources.map(source => source.text).join('\n\n')
}

/** Whether one cartridge may have a text as long as this, whatever the model holds. */
export function isReadAtOnce({ sources, systemPrompt = '' }: Pick<TextInput, 'sources' | 'systemPrompt'>): boolean {
  return bytesOf(systemPrompt) + bytesOf(joinedText({ sources })) + 2 <= TEXT_CAP
}

/** The texts of the parts of one that is too long. Throws `E_CONTEXT_LENGTH` where the system prompt leaves no room, `E_EMPTY_TEXT`, `E_CANCELLED`. */
export async function cutText(model: Model, input: TextInput, signal?: AbortSignal): Promise<string[]> {
  const tokenizer = tokenizerOf(model)
  const countTokens = (text: string) => tokenizer.encode(text).length
  const frame =
    composeText(model, { ...input, sources: [{ name: 'text', text: 'a' }] }).tokens.length - countTokens('a')
  const { contextLength } = model
  const limit = contextLength === null ? null : mostTokens(contextLength) - frame
  if (limit !== null && limit < 1) {
    throw new StatePackError('E_CONTEXT_LENGTH', 'The system prompt leaves no room for the text: shorten it.', {
      ...{ tokens: frame, contextLength },
    })
  }
  const text = joinedText(input)
  const stretches = isReadAtOnce(input)
    ? [text]
    : splitText(text, limit === null ? TEXT_CAP - bytesOf(input.systemPrompt ?? '') - 2 : STRETCH, bytesOf)
  const parts: string[] = []
  for (const stretch of stretches) {
    if (signal?.aborted) throw new StatePackError('E_CANCELLED', 'Cancelled.')
    parts.push(...(limit === null ? [stretch] : splitText(stretch, limit, countTokens)))
    await setImmediate()
  }
  const held = parts.filter(part => part.trim() !== '')
  if (held.length === 0) throw new StatePackError('E_EMPTY_TEXT', 'There is no text to read.')
  return held
}

/** Where a text is cut best: after paragraphs, lines, sentences of any script, words, characters. */
const ENDS = [/(?<=\n[^\S\n]*\n)/, /(?<=\n)/, /(?<=[.!?…]\s|[。．！？｡])/, /(?<=\s)/, /(?:)/u]

/** Pieces that measure at most `limit`: whole paragraphs where they fit, else whole lines, sentences, words. */
export function splitText(text: string, limit: number, measure: (text: string) => number): string[] {
  if (measure(text) <= limit) return [text]
  for (const separator of ENDS) {
    const units = text.split(separator).filter(unit => unit !== '')
    if (units.length < 2) continue
    const parts: string[] = []
    let current = ''
    let size = 0
    for (const unit of units) {
      const more = measure(unit)
      if (current !== '' && size + more > limit) {
        parts.push(current)
        current = ''
        size = 0
      }
      current += unit
      size += more
    }
    if (current !== '') parts.push(current)
    return parts.flatMap(part => (measure(part) <= limit || part === text ? [part] : splitText(part, limit, measure)))
  }
  return [text]
}
