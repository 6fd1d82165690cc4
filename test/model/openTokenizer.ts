/** The tokenizer of a folder, opened in this very process: the tests' own are nobody else's. */
import { createTokenizer, type Tokenizer } from '#engine/models/tokenizer/tokenizer.ts'
import { readTokenizerBytes, tokenizerFiles } from '#engine/models/tokenizer/tokenizerFiles.ts'

export async function openTokenizer(folder: string): Promise<Tokenizer | null> {
  const bytes = await readTokenizerBytes(folder)
  return bytes === null ? null : createTokenizer(tokenizerFiles({ kind: 'bytes', bytes }))
}
