import type { CartridgeConfig, Segment } from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Model } from '../models/model.ts'
import { openingOf } from '../models/tokenizer/conversation.ts'
import { civilNow } from '../models/tokenizer/strftime.ts'
import type { Tokenizer } from '../models/tokenizer/tokenizer.ts'
import { sha256 } from '../sha256.ts'
import type { StateContents } from './assemble.ts'
import { joinTokens } from './joinTokens.ts'
import { plainText, withoutBom } from './plainText.ts'
import { promptMeta, type SourcedPart } from './promptMeta.ts'
import { readableText } from './readableText.ts'

type Recipe = StateContents['recipe']

/** What the tokenizer puts before a text is nobody's. */
const CONTROL = { kind: 'control', from: 'template' } as const

export interface SourceText {
  readonly name: string
  readonly text: string
  /** What took the text out of a document, as its recipe names it. */
  readonly extractor?: string | undefined
}

export interface TextInput {
  readonly sources: readonly SourceText[]
  readonly systemPrompt?: string | undefined
  /** Open a conversation with the texts, through the model's chat template. */
  readonly template?: boolean | undefined
  /** As the recipe of a cartridge says it was done; `null`: the cartridge is from before that was recorded. */
  readonly chat?: Recipe['chat'] | null
  /** What a template that asks for the date is told; default now. */
  readonly time?: string | undefined
  /** How control tokens that the texts spell out are read: as plain text unless they are meant. */
  readonly controlTokens?: 'text' | 'control' | undefined
  /** `concat` tokenises as State Pack does and holds nothing back. */
  readonly seam?: 'exact' | 'concat' | undefined
  /** Keep only this many tokens of a text that is too long. */
  readonly firstTokens?: number | undefined
}

/** A text made ready to be read: tokens to fold, the held-back tail, and how to rebuild it. */
export interface ComposedText {
  readonly text: string
  readonly title: string
  readonly tokens: Int32Array
  /** What the tokenizer put before the text (BOS), then the text. */
  readonly segments: readonly Segment[]
  readonly tail: string
  /** Of the text as it is read, template and all. */
  readonly readSha256: Digest
  /** Of what the person gave, system prompt included: UTF-8, without a byte-order mark. */
  readonly baseSha256: Digest
  readonly baseBytes: number
  readonly sources: StateContents['sources']
  readonly recipe: Recipe
  readonly promptMeta: CartridgeConfig['promptMeta']
  /** Control tokens that the texts spell out, in their order. */
  readonly spelled: readonly string[]
}

/** How the texts of a cartridge were read, to read them so again. */
export function readingOf(recipe: Omit<Recipe, 'steps'>) {
  const { systemPrompt, template, chat = null, controlTokens } = recipe
  return { systemPrompt: systemPrompt ?? undefined, template, chat, controlTokens } satisfies Partial<TextInput>
}

/** The tokenizer of a model that must have one: `E_TOKENIZER` otherwise. */
export function tokenizerOf(model: Pick<Model, 'name' | 'tokenizer'>): Tokenizer {
  if (model.tokenizer !== null) return model.tokenizer
  throw new StatePackError('E_TOKENIZER', `${model.name} came without a tokenizer, so it cannot read text.`, {
    model: model.name,
  })
}

/**
 * Joins the sources in order (a blank line between two, the system prompt first), tokenises the whole, and records what did
 * not come from the sources. Throws `E_EMPTY_TEXT`, `E_NOT_TEXT`, `E_TOO_LARGE`, `E_TOKENIZER` (also when the template keeps
 * no document).
 */
export function composeText(model: Pick<Model, 'name' | 'tokenizer'>, input: TextInput): ComposedText {
  const tokenizer = tokenizerOf(model)
  const sources = input.sources.map(source => ({ ...source, text: withoutBom(source.text) }))
  const plain = plainText(input.systemPrompt, sources)
  const plainBytes = readableText(plain)
  const { parts, chat } = partsOf(tokenizer, plain, input)
  const text = parts.map(part => part.text).join('')
  const control = input.controlTokens ?? 'text'
  const read = tokenizer.readParts(
    tokenizer.startRun(),
    parts.map(part => ({ text: part.text, control: part.from === 'template' || control === 'control' })),
    input.seam,
  )
  // A template spells out the beginning of the sequence itself.
  const prefix = input.template ? [] : tokenizer.prefixIds
  const whole = joinTokens(Int32Array.from(prefix), read.tokens)
  const isCut = input.firstTokens !== undefined && whole.length > input.firstTokens
  const tokens = isCut ? whole.slice(0, input.firstTokens) : whole
  const start = Math.min(prefix.length, tokens.length)
  const meta = promptMeta(tokenizer, { parts, read, tokens: tokens.subarray(start), start })
  const written = meta.spans.filter(span => span.kind === 'control' && span.from !== 'template')
  const spelled =
    control === 'text'
      ? read.spelled.map(({ token }) => token)
      : written.map(span => tokenizer.decode([tokens[span.start] ?? 0]))
  return {
    text,
    title: titleOf(sources),
    tokens,
    segments: [
      { kind: 'special' as const, start: 0, end: start },
      { kind: 'text' as const, start, end: tokens.length },
    ].filter(segment => segment.end > segment.start),
    tail: isCut ? '' : read.tail,
    readSha256: sha256(text),
    baseSha256: sha256(plainBytes),
    baseBytes: plainBytes.byteLength,
    sources: sources.map(({ name, text: source, extractor }) => ({
      ...{ name, extractor },
      bytes: readableText(source),
    })),
    recipe: {
      steps: [
        ...input.sources.map((_, source) => ({
          do: 'read' as const,
          source,
          ...(input.seam === 'concat' ? { seam: input.seam } : {}),
        })),
        ...(isCut ? [{ do: 'first' as const, tokens: tokens.length }] : []),
      ],
      systemPrompt: input.systemPrompt ?? null,
      template: input.template ?? false,
      ...(chat === undefined ? {} : { chat }),
      ...(spelled.length === 0 ? {} : { controlTokens: control }),
    },
    promptMeta: {
      ...meta,
      spans: [...prefix.slice(0, start).map((_, at) => ({ ...CONTROL, start: at, end: at + 1 })), ...meta.spans],
    },
    spelled,
  }
}

/** The text in its parts: rendered as what a conversation opens with, or plain. */
function partsOf(
  tokenizer: Tokenizer,
  plain: string,
  input: TextInput,
): { parts: SourcedPart[]; chat: Recipe['chat'] } {
  if (!input.template) return { parts: splitPrompt(plain, input.systemPrompt), chat: undefined }
  if (input.chat === null) {
    const { parts } = tokenizer.renderChat([{ role: 'system', content: plain }], { addGenerationPrompt: false })
    const sourced = parts.flatMap(({ text, role }) =>
      role === null ? [templatePart(text)] : splitPrompt(text, input.systemPrompt),
    )
    return { parts: sourced, chat: undefined }
  }
  const time = input.chat?.time ?? input.time ?? civilNow()
  const { parts, document, asksTime } = openingOf(tokenizer, plain, { time })
  const sourced = parts.flatMap(({ text, from }) =>
    from === 'template' ? [templatePart(text)] : splitPrompt(text, input.systemPrompt),
  )
  return { parts: sourced, chat: asksTime ? { document, time } : { document } }
}

function templatePart(text: string): SourcedPart {
  return { text, from: 'template' }
}

/** A text with the system prompt that it begins with apart; templates trim, so its beginning may be missing. */
function splitPrompt(text: string, systemPrompt: string | undefined): SourcedPart[] {
  const prompt = systemPrompt?.trim() ?? ''
  const at = prompt === '' ? -1 : text.indexOf(prompt)
  if (at < 0) return [{ text, from: 'text' }]
  const end = at + prompt.length
  return [
    { text: text.slice(0, end), from: 'system' as const },
    { text: text.slice(end), from: 'text' as const },
  ].filter(part => part.text !== '')
}

/** The first line of the first source, or its file name. */
function titleOf([first]: readonly SourceText[]): string {
  if (first === undefined) return 'Untitled'
  if (first.name !== 'text' && first.name !== '') return first.name
  const line = first.text.trim().split('\n', 1)[0] ?? ''
  return line.length > 60 ? `${line.slice(0, 57)}…` : line || 'Untitled'
}
