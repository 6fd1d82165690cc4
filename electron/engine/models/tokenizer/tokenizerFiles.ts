import { join } from 'node:path'
import { z } from 'zod'
import { canonicalBytes } from '#engine/canonicalJson.ts'
import { sha256 } from '#engine/sha256.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { readModelFileIfThere, TOKENIZER_FILE } from '../sources/modelFile.ts'
import { modelText } from '../sources/modelText.ts'

const addedTokenSchema = z.looseObject({
  id: z.number().int().nonnegative(),
  content: z.string().min(1),
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().optional(),
  special: z.boolean().default(false),
})

/** A stage of the pipeline (normaliser, pre-tokeniser, decoder …): its `type` decides which other fields it has. */
const stageSchema = z.looseObject({ type: z.string() })
export type Stage = z.infer<typeof stageSchema>

const tokenizerJsonSchema = z.looseObject({
  added_tokens: z.array(addedTokenSchema).nullish(),
  normalizer: stageSchema.nullish(),
  pre_tokenizer: stageSchema.nullish(),
  post_processor: stageSchema.nullish(),
  decoder: stageSchema.nullish(),
  model: z.looseObject({ type: z.string().optional(), vocab: z.unknown().optional(), merges: z.unknown().optional() }),
})

const tokenTextSchema = z.union([z.string(), z.looseObject({ content: z.string() })]).nullish()
const tokenizerConfigSchema = z.looseObject({
  bos_token: tokenTextSchema,
  eos_token: tokenTextSchema,
  unk_token: tokenTextSchema,
  pad_token: tokenTextSchema,
  additional_special_tokens: z.array(tokenTextSchema).nullish(),
  added_tokens_decoder: z.record(z.string(), addedTokenSchema.omit({ id: true })).nullish(),
  add_bos_token: z.boolean().nullish(),
  add_eos_token: z.boolean().nullish(),
  tokenizer_class: z.string().nullish(),
  chat_template: z.union([z.string(), z.array(z.looseObject({ name: z.string(), template: z.string() }))]).nullish(),
})
type TokenizerConfig = z.infer<typeof tokenizerConfigSchema>

export type TokenizerJson = z.infer<typeof tokenizerJsonSchema>

/** What a model folder says about its tokenizer, parsed and checked. */
export interface TokenizerFiles {
  readonly json: TokenizerJson
  readonly config: Readonly<Record<string, unknown>>
  /** Digest of tokenizer.json's raw bytes, the special tokens and the chat template together: component +2. */
  readonly digest: Digest
  /** bos_token, eos_token, unk_token, pad_token as text, where the tokenizer has them. */
  readonly specialTokens: Readonly<Record<string, string>>
  /** Whether a text begins with BOS and ends with EOS; null: as the post-processor says. */
  readonly adds: { readonly bos: boolean | null; readonly eos: boolean | null }
  readonly chatTemplate: string | null
  /** What the folder has and this app leaves out, in words. */
  readonly notes: readonly string[]
}

/** Files that hold a tokenizer in a form this app does not read. */
const OTHER_FORMS = ['tokenizer.model', 'vocab.json', 'spiece.model', 'tekken.json']
const NAMES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'chat_template.json',
] as const

/** The files of a model folder that say how texts become tokens, as they are; null for one that is not there. */
export type TokenizerBytes = Readonly<Record<(typeof NAMES)[number], Uint8Array | null>>

/** What a tokenizer is made of: files that nobody looked into yet, or what a GGUF file says. */
export type TokenizerSource =
  | { readonly kind: 'bytes'; readonly bytes: TokenizerBytes }
  | { readonly kind: 'parsed'; readonly files: TokenizerFiles }

/** null when the folder has no tokenizer at all. Throws `E_TOKENIZER` for one in another form, and for what is no file. */
export async function readTokenizerBytes(folder: string): Promise<TokenizerBytes | null> {
  const bytes: Record<string, Uint8Array | null> = {}
  for (const name of NAMES) bytes[name] = await readIfThere(folder, name)
  if (bytes['tokenizer.json'] !== null) return bytes as TokenizerBytes
  for (const name of OTHER_FORMS) {
    if ((await readIfThere(folder, name)) !== null) {
      const message = `${folder} holds its tokenizer as ${name} only; a tokenizer.json is needed.`
      throw new StatePackError('E_TOKENIZER', message, { file: name })
    }
  }
  return null
}

/**
 * What a source says, checked. Throws `E_TOKENIZER`, naming the file and the field, when it cannot be used. `tried`: its
 * model was checked entry by entry when it was tried, which takes as long as reading it.
 */
export function tokenizerFiles(source: TokenizerSource, { tried = false } = {}): TokenizerFiles {
  if (source.kind === 'bytes') return parseFiles(source.bytes, tried)
  if (!tried) checkModel(source.files.json.model, 'The tokenizer of the GGUF file')
  return source.files
}

function parseFiles(files: TokenizerBytes, tried: boolean): TokenizerFiles {
  const bytes = files['tokenizer.json'] ?? new Uint8Array()
  const parsed = parseAs(tokenizerJsonSchema, bytes, 'tokenizer.json')
  const config = parseIfThere(files, 'tokenizer_config.json')
  const map = parseIfThere(files, 'special_tokens_map.json')
  const model = { ...parsed.model, type: modelType(parsed.model) }
  if (!tried) checkModel(model)

  const specialTokens: Record<string, string> = {}
  for (const name of ['bos_token', 'eos_token', 'unk_token', 'pad_token'] as const) {
    const text = textOf(config[name] ?? map[name])
    if (text !== null) specialTokens[name] = text
  }
  const extra = config.additional_special_tokens ?? map.additional_special_tokens ?? []
  const additional = extra.map(textOf).filter(text => text !== null)
  const added = moreAddedTokens({ ...parsed, model }, config, [...Object.values(specialTokens), ...additional])
  const { chatTemplate, note } = chatTemplateOf(files, config)
  const digest = sha256(
    canonicalBytes({
      ...{ v: 1, tokenizerJson: sha256(bytes), specialTokens, additional, chatTemplate },
      ...(added.length > 0 && { added: added.map(token => ({ ...token })) }),
    }),
  )
  const json = { ...parsed, model, added_tokens: withAdded(parsed.added_tokens ?? [], added) }
  return { json, config, digest, specialTokens, adds: addsOf(config), chatTemplate, notes: note === null ? [] : [note] }
}

/** tokenizer.json may leave the kind of model to its fields, as the reference reads it. */
function modelType({ type, vocab, merges, ...rest }: TokenizerJson['model']): string {
  if (type !== undefined) return type
  if (Array.isArray(vocab)) return 'Unigram'
  if (merges !== undefined) return 'BPE'
  return 'continuing_subword_prefix' in rest ? 'WordPiece' : 'WordLevel'
}

/** Classes of the reference that put BOS before a text unless they are told not to. */
const BOS_CLASSES = /^(Llama|CodeLlama|Gemma)Tokenizer(Fast)?$/

function addsOf({ add_bos_token: bos, add_eos_token: eos, tokenizer_class: name }: TokenizerConfig) {
  return { bos: bos ?? (BOS_CLASSES.test(name ?? '') ? true : null), eos: eos ?? null }
}

type AddedInConfig = NonNullable<TokenizerConfig['added_tokens_decoder']>[string]
type Added = NonNullable<TokenizerJson['added_tokens']>[number]

/**
 * Added tokens that tokenizer.json does not list, or lists otherwise: those of `added_tokens_decoder`, and special tokens
 * that are ordinary entries of the vocabulary. One without an id there is left out.
 */
function moreAddedTokens(
  { model, added_tokens }: TokenizerJson,
  config: TokenizerConfig,
  special: readonly string[],
): Added[] {
  const known = new Map((added_tokens ?? []).map(token => [token.content, token]))
  const more = new Map<string, Added>()
  for (const [id, token] of Object.entries(config.added_tokens_decoder ?? {})) {
    const own = known.get(token.content)
    const same =
      own !== undefined && FLAGS.every(flag => (own[flag] ?? !own.special) === (token[flag] ?? !token.special))
    if (!same && /^\d+$/.test(id)) more.set(token.content, { ...pick(token), id: own?.id ?? Number(id) })
  }
  for (const content of special) {
    const id = vocabularyId(model, content)
    if (content === '' || id === null || known.has(content) || more.has(content)) continue
    more.set(content, {
      ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false },
      special: true,
    })
  }
  return [...more.values()]
}

const FLAGS = ['single_word', 'lstrip', 'rstrip', 'normalized', 'special'] as const

function pick({ content, single_word, lstrip, rstrip, normalized, special }: AddedInConfig) {
  return { content, single_word, lstrip, rstrip, normalized: normalized ?? !special, special }
}

function withAdded(tokens: readonly Added[], added: readonly Added[]): Added[] {
  const replaced = new Set(added.map(({ content }) => content))
  return [...tokens.filter(({ content }) => !replaced.has(content)), ...added]
}

function vocabularyId({ vocab }: TokenizerJson['model'], token: string): number | null {
  if (Array.isArray(vocab)) {
    const index = vocab.findIndex(entry => Array.isArray(entry) && entry[0] === token)
    return index < 0 ? null : index
  }
  const id: unknown = Object.hasOwn(Object(vocab), token) ? Object(vocab)[token] : null
  return typeof id === 'number' ? id : null
}

/** chat_template.jinja, else tokenizer_config.json, else chat_template.json; of a list of templates the one named default. */
function chatTemplateOf(
  files: TokenizerBytes,
  { chat_template: configured }: TokenizerConfig,
): { chatTemplate: string | null; note: string | null } {
  const jinja = files['chat_template.jinja']
  if (jinja !== null) return { chatTemplate: modelText(jinja, 'chat_template.jinja', 'E_TOKENIZER'), note: null }
  const source = configured ?? parseIfThere(files, 'chat_template.json').chat_template ?? null
  if (source === null || typeof source === 'string') return { chatTemplate: source, note: null }
  const chosen = source.find(({ name }) => name === 'default')
  if (chosen !== undefined) return { chatTemplate: chosen.template, note: null }
  const names = source.map(({ name }) => name).join(', ')
  return { chatTemplate: null, note: `Its chat templates are named ${names}; none is the default, so none is used.` }
}

async function readIfThere(folder: string, name: string): Promise<Uint8Array | null> {
  try {
    return await readModelFileIfThere(join(folder, name), TOKENIZER_FILE)
  } catch (cause) {
    if (cause instanceof StatePackError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new StatePackError('E_TOKENIZER', `${name} cannot be read: ${reason}`, { file: name }, cause)
  }
}

function parseIfThere(files: TokenizerBytes, name: keyof TokenizerBytes): TokenizerConfig {
  const bytes = files[name]
  return bytes === null ? {} : parseAs(tokenizerConfigSchema, bytes, name)
}

function parseAs<T>(schema: z.ZodType<T>, bytes: Uint8Array, name: string): T {
  const text = modelText(bytes, name, 'E_TOKENIZER')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new StatePackError('E_TOKENIZER', `${name} is not valid JSON.`, { file: name }, cause)
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const field = issue?.path.join('.') ?? ''
  const message = `${name} is not a tokenizer this app knows: ${field === '' ? 'the file' : field}: ${issue?.message ?? 'wrong shape'}.`
  throw new StatePackError('E_TOKENIZER', message, { file: name, field })
}

function textOf(token: z.infer<typeof tokenTextSchema>): string | null {
  if (token === null || token === undefined) return null
  return typeof token === 'string' ? token : token.content
}

/** Refuses what the library would accept and then tokenise wrongly: merges of unknown tokens, ids that are not numbers. */
function checkModel(model: TokenizerJson['model'], where = 'tokenizer.json'): void {
  const damaged = (field: string, problem: string) => damagedModel(where, field, problem)
  if (model.type === 'Unigram') {
    if (!Array.isArray(model.vocab) || !model.vocab.every(isScored) || model.vocab.length === 0)
      throw damaged('vocab', 'is not a list of scored pieces')
    return
  }
  const { vocab, merges } = model
  if (vocab === null || typeof vocab !== 'object' || Array.isArray(vocab))
    throw damaged('vocab', 'is not a table of ids')
  const ids = new Map(Object.entries(vocab))
  if (ids.size === 0) throw damaged('vocab', 'is empty')
  const seen = new Set<number>()
  for (const [token, id] of ids) {
    if (!Number.isInteger(id) || id < 0) throw damaged('vocab', `gives ${JSON.stringify(token)} no whole number`)
    if (seen.has(id)) throw damaged('vocab', `gives id ${id} to two tokens`)
    seen.add(id)
  }
  if (model.type !== 'BPE') return
  for (const field of ['continuing_subword_prefix', 'dropout'] as const) {
    // The library leaves the prefix out, and dropout makes the tokens of a text a matter of chance.
    if (!model[field]) continue
    const message = `This tokenizer cannot be used: model.${field} is ${JSON.stringify(model[field])}, which is not supported.`
    throw new StatePackError('E_TOKENIZER', message, { file: where, field: `model.${field}` })
  }
  if (!Array.isArray(merges)) throw damaged('merges', 'is not a list')
  for (const merge of merges) {
    const [left, right, more] = typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : []
    if (typeof left !== 'string' || typeof right !== 'string' || more !== undefined) {
      throw damaged('merges', 'has an entry that is not a pair')
    }
    for (const token of [left, right, left + right]) {
      if (!ids.has(token)) throw damaged('merges', `names ${JSON.stringify(token)}, which is not in the vocabulary`)
    }
  }
}

function isScored(entry: unknown): boolean {
  return Array.isArray(entry) && typeof entry[0] === 'string' && typeof entry[1] === 'number'
}

function damagedModel(where: string, field: string, problem: string): StatePackError {
  const details = { file: where, field: `model.${field}` }
  return new StatePackError('E_TOKENIZER', `${where} is damaged: model.${field} ${problem}.`, details)
}
