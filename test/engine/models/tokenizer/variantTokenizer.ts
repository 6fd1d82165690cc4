import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Tokenizer } from '#engine/models/tokenizer/tokenizer.ts'
import { openTokenizer } from '../../../model/openTokenizer.ts'

export interface TokenizerFile {
  added_tokens: Record<string, unknown>[]
  normalizer: unknown
  pre_tokenizer: unknown
  model: Record<string, unknown> & { vocab: Record<string, number> }
  [field: string]: unknown
}

/** Opens a reference tokenizer with its tokenizer.json (and, optionally, its config) changed: the ways published ones differ. */
export async function openVariant(
  family: string,
  change: (file: TokenizerFile) => void,
  config: Record<string, unknown> = {},
): Promise<Tokenizer | null> {
  const folder = await mkdtemp(join(tmpdir(), 'statepack-tokenizer-'))
  try {
    await cp(resolve('test/golden/tokenizers', family), folder, { recursive: true })
    const file: TokenizerFile = JSON.parse(await readFile(join(folder, 'tokenizer.json'), 'utf8'))
    change(file)
    await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(file))
    const old = JSON.parse(await readFile(join(folder, 'tokenizer_config.json'), 'utf8'))
    await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify({ ...old, ...config }))
    return await openTokenizer(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** A reference tokenizer as it is. */
export async function openFamily(family: string): Promise<Tokenizer> {
  const tokenizer = await openTokenizer(resolve('test/golden/tokenizers', family))
  if (tokenizer === null) throw new Error(`${family} has no tokenizer`)
  return tokenizer
}

/** Adds tokens behind the last id. */
export function addTokens(file: TokenizerFile, tokens: Record<string, unknown>[]): void {
  const used = [...Object.values(file.model.vocab), ...file.added_tokens.map(token => Number(token.id))]
  let id = Math.max(...used)
  for (const token of tokens) {
    id += 1
    file.added_tokens.push({
      id,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
      ...token,
    })
  }
}
