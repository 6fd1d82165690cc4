import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import type { Tokenizer } from '#engine/models/tokenizer/tokenizer.ts'
import { openTokenizer } from '../../../model/openTokenizer.ts'

const SHA256 = '1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5'

/** GPT-2's real tokenizer, opened by the product from a tokenizer.json made of its merges. */
export async function openGpt2Tokenizer(): Promise<Tokenizer> {
  const folder = await mkdtemp(join(tmpdir(), 'gpt2-'))
  try {
    await writeGpt2Tokenizer(folder)
    const opened = await openTokenizer(folder)
    if (opened === null) throw new Error('no tokenizer')
    return opened
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Its files, into the folder of a model. */
export async function writeGpt2Tokenizer(folder: string): Promise<void> {
  const bytes = brotliDecompressSync(await readFile(join(import.meta.dirname, 'vocab.bpe.br')))
  if (createHash('sha256').update(bytes).digest('hex') !== SHA256)
    throw new Error('vocab.bpe.br is not the file it should be')
  const merges = bytes
    .toString('utf8')
    .split('\n')
    .slice(1)
    .filter(line => line !== '')
  const tokens = [...byteCharacters(), ...merges.map(merge => merge.replace(' ', '')), '<|endoftext|>']
  const stage = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
  const tokenizer = {
    version: '1.0',
    added_tokens: [
      {
        id: 50256,
        content: '<|endoftext|>',
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      },
    ],
    normalizer: null,
    pre_tokenizer: stage,
    post_processor: null,
    decoder: stage,
    model: {
      ...{
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
      },
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  }
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer))
  const config = { tokenizer_class: 'GPT2Tokenizer', eos_token: '<|endoftext|>' }
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(config))
}

/** The characters that stand for the 256 bytes, in the order of their ids: printable ones themselves, the rest from U+0100. */
function byteCharacters(): string[] {
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
  const printable = [...range(0x21, 0x7e), ...range(0xa1, 0xac), ...range(0xae, 0xff)]
  const others = range(0, 255).filter(byte => !printable.includes(byte))
  return [...printable.map(byte => String.fromCharCode(byte)), ...others.map((_, i) => String.fromCharCode(256 + i))]
}
