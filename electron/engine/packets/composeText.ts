import type { CartridgeConfig, Segment } from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Model } from '../models/model.ts'
import type { Tokenizer } from '../models/tokenizer/tokenizer.ts'
import { sha256 } from '../sha256.ts'
import type { StateContents } from './assemble.ts'
import { plainText, withoutBom } from './plainText.ts'
import { readableText } from './readableText.ts'

export interface SourceText {
  readonly name: string
  readonly text: string
  /** What took the text out of a document, as its recipe names it. */
  readonly extractor?: string | undefined
}

export interface TextInput {
  readonly sources: readonly SourceText[]
  readonly systemPrompt?: string | undefined
  /** Render everything as one system message through the model's chat template. */
  readonly template?: boolean | undefined
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
  readonly recipe: StateContents['recipe']
  readonly promptMeta: CartridgeConfig['promptMeta']
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
 * not come from the sources. Throws `E_EMPTY_TEXT`, `E_NOT_TEXT`, `E_TOO_LARGE`, `E_TOKENIZER`.
 */
export function composeText(model: Model, input: TextInput): ComposedText {
  const tokenizer = tokenizerOf(model)
  const sources = input.sources.map(source => ({ ...source, text: withoutBom(source.text) }))
  const plain = plainText(
    input.systemPrompt,
    sources.map(({ text }) => text),
  )
  const plainBytes = readableText(plain)
  const rendered = input.template
    ? tokenizer.renderChat([{ role: 'system', content: plain }], { addGenerationPrompt: false })
    : null
  const text = rendered ?? plain
  const folded = tokenizer.fold(tokenizer.startRun(), text, input.seam ?? 'exact')
  // A template spells out the beginning of the sequence itself.
  const prefix = rendered === null ? tokenizer.prefixIds : []
  const whole = Int32Array.from([...prefix, ...folded.tokens])
  const isCut = input.firstTokens !== undefined && whole.length > input.firstTokens
  const tokens = isCut ? whole.slice(0, input.firstTokens) : whole
  const start = Math.min(prefix.length, tokens.length)
  return {
    text,
    title: titleOf(sources),
    tokens,
    segments: [
      { kind: 'special' as const, start: 0, end: start },
      { kind: 'text' as const, start, end: tokens.length },
    ].filter(segment => segment.end > segment.start),
    tail: isCut ? '' : folded.tail,
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
    },
    promptMeta: promptMeta(tokenizer, { text, tokens, systemPrompt: input.systemPrompt }),
  }
}

/** The first line of the first source, or its file name. */
function titleOf([first]: readonly SourceText[]): string {
  if (first === undefined) return 'Untitled'
  if (first.name !== 'text' && first.name !== '') return first.name
  const line = first.text.trim().split('\n', 1)[0] ?? ''
  return line.length > 60 ? `${line.slice(0, 57)}…` : line || 'Untitled'
}

/** Spans of control tokens among the tokens, and of the system prompt at their start. */
export function promptMeta(
  tokenizer: Tokenizer,
  { text, tokens, systemPrompt }: { text: string; tokens: Int32Array; systemPrompt?: string | undefined },
): CartridgeConfig['promptMeta'] {
  const special = new Set(tokenizer.specialIds)
  const spans: CartridgeConfig['promptMeta']['spans'] = []
  if (systemPrompt) {
    const end = text.indexOf(systemPrompt) + systemPrompt.length
    const prefix = tokenizer.fold(tokenizer.startRun(), text.slice(0, end)).tokens.length
    spans.push({ kind: 'system', start: 0, end: Math.min(prefix, tokens.length) })
  }
  let controls = 0
  for (const [index, id] of tokens.entries()) {
    if (!special.has(id)) continue
    controls++
    spans.push({ kind: 'control', start: index, end: index + 1 })
  }
  return { spans, controlTokensInText: controls }
}
