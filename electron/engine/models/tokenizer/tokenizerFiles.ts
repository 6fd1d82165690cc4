import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { canonicalBytes } from '#engine/canonicalJson.ts'
import { sha256 } from '#engine/sha256.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'

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
  chat_template: z.union([z.string(), z.array(z.looseObject({ name: z.string(), template: z.string() }))]).nullish(),
})

export type TokenizerJson = z.infer<typeof tokenizerJsonSchema>

/** What a model folder says about its tokenizer, parsed and checked. */
export interface TokenizerFiles {
  readonly json: TokenizerJson
  readonly config: Readonly<Record<string, unknown>>
  /** Digest of tokenizer.json's raw bytes, the special tokens and the chat template together: component +2. */
  readonly digest: Digest
  /** bos_token, eos_token, unk_token, pad_token as text, where the tokenizer has them. */
  readonly specialTokens: Readonly<Record<string, string>>
  readonly chatTemplate: string | null
}

/** Files that hold a tokenizer in a form this app does not read. */
const OTHER_FORMS = ['tokenizer.model', 'vocab.json', 'spiece.model', 'tekken.json']

/**
 * Reads tokenizer.json, tokenizer_config.json and chat_template.jinja of a model folder. null when the folder has no
 * tokenizer at all. Throws `E_TOKENIZER`, naming the file and the field, when one is there and cannot be used.
 */
export async function readTokenizerFiles(folder: string): Promise<TokenizerFiles | null> {
  const bytes = await readIfThere(folder, 'tokenizer.json')
  if (bytes === null) {
    for (const name of OTHER_FORMS) {
      if ((await readIfThere(folder, name)) !== null) {
        const message = `${folder} holds its tokenizer as ${name} only; a tokenizer.json is needed.`
        throw new StatePackError('E_TOKENIZER', message, { file: name })
      }
    }
    return null
  }
  const json = parseAs(tokenizerJsonSchema, bytes, 'tokenizer.json')
  checkModel(json.model)
  const configBytes = await readIfThere(folder, 'tokenizer_config.json')
  const config = configBytes === null ? {} : parseAs(tokenizerConfigSchema, configBytes, 'tokenizer_config.json')
  const jinja = await readIfThere(folder, 'chat_template.jinja')
  const chatTemplate = jinja === null ? templateOf(config.chat_template) : decodeText(jinja, 'chat_template.jinja')

  const specialTokens: Record<string, string> = {}
  for (const name of ['bos_token', 'eos_token', 'unk_token', 'pad_token'] as const) {
    const text = textOf(config[name])
    if (text !== null) specialTokens[name] = text
  }
  const additional = (config.additional_special_tokens ?? []).map(textOf).filter(text => text !== null)
  const digest = sha256(canonicalBytes({ v: 1, tokenizerJson: sha256(bytes), specialTokens, additional, chatTemplate }))
  return { json, config, digest, specialTokens, chatTemplate }
}

async function readIfThere(folder: string, name: string): Promise<Uint8Array | null> {
  try {
    return await readFile(join(folder, name))
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : null
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new StatePackError('E_TOKENIZER', `${name} cannot be read: ${reason}`, { file: name }, cause)
  }
}

function decodeText(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new StatePackError('E_TOKENIZER', `${name} is not UTF-8 text.`, { file: name }, cause)
  }
}

function parseAs<T>(schema: z.ZodType<T>, bytes: Uint8Array, name: string): T {
  let value: unknown
  try {
    value = JSON.parse(decodeText(bytes, name))
  } catch (cause) {
    if (cause instanceof StatePackError) throw cause
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

function templateOf(value: z.infer<typeof tokenizerConfigSchema>['chat_template']): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  return (value.find(entry => entry.name === 'default') ?? value[0])?.template ?? null
}

/** Refuses what the library would accept and then tokenise wrongly: merges of unknown tokens, ids that are not numbers. */
export function checkModel(model: TokenizerJson['model'], where = 'tokenizer.json'): void {
  const damaged = (field: string, problem: string) => damagedModel(where, field, problem)
  if (model.type === 'Unigram') {
    if (model.byte_fallback === true) {
      // The library would give unknown characters the unknown token instead of their bytes.
      const message = 'This tokenizer is a unigram model with byte fallback, which is not supported.'
      throw new StatePackError('E_TOKENIZER', message, { file: 'tokenizer.json', field: 'model.byte_fallback' })
    }
    if (!Array.isArray(model.vocab) || model.vocab.length === 0)
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
  if (!Array.isArray(merges)) throw damaged('merges', 'is not a list')
  const prefix = typeof model.continuing_subword_prefix === 'string' ? model.continuing_subword_prefix.length : 0
  for (const merge of merges) {
    const [left, right, more] = typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : []
    if (typeof left !== 'string' || typeof right !== 'string' || more !== undefined) {
      throw damaged('merges', 'has an entry that is not a pair')
    }
    for (const token of [left, right, left + right.slice(prefix)]) {
      if (!ids.has(token)) throw damaged('merges', `names ${JSON.stringify(token)}, which is not in the vocabulary`)
    }
  }
}

function damagedModel(where: string, field: string, problem: string): StatePackError {
  const details = { file: where, field: `model.${field}` }
  return new StatePackError('E_TOKENIZER', `${where} is damaged: model.${field} ${problem}.`, details)
}
