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
  if (parts.length === 1) return [await createPacket(context, whole, call)]
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
  const control = input.controlTokens === 'control'
  const countTokens = (text: string) =>
    tokenizer.readParts(tokenizer.startRun(), [{ text, control }], input.seam).tokens.length
  const frame =
    composeText(model, { ...input, sources: [{ name: 'text', text: 'a' }] }).tokens.length - countTokens('a')
  const { contextLength } = model
  const limit = contextLength === null ? null : mostTokens(contextLength) - frame
  if (limit !== null && limit < 1) {
    throw new StatePackError('E_CONTEXT_LENGTH', 'The system prompt leaves no room for the text: shorten it.', {
      ...{ tokens: frame, contextLength },
    })
  }
  const parts =
    limit === null
      ? await splitText(joinedText(input), TEXT_CAP - bytesOf(input.systemPrompt ?? '') - 2, bytesOf, signal)
      : await splitText(joinedText(input), limit, countTokens, signal)
  const held = parts.filter(part => part.trim() !== '')
  if (held.length === 0) throw new StatePackError('E_EMPTY_TEXT', 'There is no text to read.')
  return held
}

/** Where a text is cut best: after paragraphs, lines, sentences of any script, words. */
const ENDS = [/\n[^\S\n]*\n/g, /\n/g, /[.!?…]\s|[。．！？｡]/g, /\s/g]
/** A piece that has so much of what it may have is as long as it need be. */
const ENOUGH = 0.95
const MOST_TRIES = 8

type Measure = (text: string) => number

/**
 * Pieces that measure at most `limit`: whole paragraphs where they fit, else whole lines, sentences, words. Each is measured a few
 * times, whatever is in it, and other work has its turn between them. Throws `E_CANCELLED`.
 */
export async function splitText(
  text: string,
  limit: number,
  measure: Measure,
  signal?: AbortSignal,
): Promise<string[]> {
  const parts: string[] = []
  /** Characters for each of what is measured, as it was last. */
  let pace = 2
  for (let start = 0; start < text.length; ) {
    if (signal?.aborted) throw new StatePackError('E_CANCELLED', 'Cancelled.')
    const rest = text.slice(start)
    const found = longest(rest, { limit, measure, pace })
    const part = found.characters === rest.length ? rest : cutBefore(rest, found.characters, { limit, measure })
    parts.push(part)
    start += part.length
    pace = found.pace
    await setImmediate()
  }
  return parts
}

/** How many characters of a text fit, but for a few: all of them, or at least {@link ENOUGH} of `limit`. */
function longest(text: string, { limit, measure, pace }: { limit: number; measure: Measure; pace: number }) {
  let characters = 0
  let tooMany = text.length + 1
  for (let tries = 0; tries < MOST_TRIES && characters < text.length && tooMany - characters > 1; tries++) {
    const next = Math.min(Math.max(Math.floor(limit * pace), characters + 1), tooMany - 1)
    const size = measure(text.slice(0, next))
    pace = (next / Math.max(1, size)) * (size > limit ? 0.98 : 1)
    if (size > limit) tooMany = next
    else characters = next
    if (size <= limit && size > ENOUGH * limit) break
  }
  return { characters, pace }
}

/** A text up to its best end within the first `most` characters; one character where nothing fits. */
function cutBefore(text: string, most: number, { limit, measure }: { limit: number; measure: Measure }): string {
  for (let end = bestEnd(text.slice(0, most)); end > 0; end = bestEnd(text.slice(0, end - 1))) {
    const part = text.slice(0, end)
    // What is shorter may have a token more, where it ends within one.
    if (measure(part) <= limit) return part
  }
  return String.fromCodePoint(text.codePointAt(0) ?? 0)
}

/** Where `text`, from which more follows, is cut: in no character. */
function bestEnd(text: string): number {
  for (const separator of ENDS) {
    let end = 0
    for (const match of text.matchAll(separator)) end = match.index + match[0].length
    if (end > 0) return end
  }
  return /[\ud800-\udbff]$/.test(text) ? text.length - 1 : text.length
}
