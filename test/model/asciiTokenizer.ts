/** A byte-level tokenizer over the characters of plain English, for models with a vocabulary of a hundred or two. */
import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

/** A few merges, so that how a text is cut matters. */
const MERGES = ['t h', 'Ġ t', 'th e', 'Ġt h', 'i n', 'a n', 'o r', 'e r', 'Ġ d', 'o o']

/** Writes `tokenizer.json` and `tokenizer_config.json` (ids below 108) into a model's folder. */
export async function writeAsciiTokenizer(folder: string): Promise<void> {
  const source = resolve('test/golden/onnx/gpt2')
  const tokenizer: unknown = JSON.parse(await readFile(join(source, 'tokenizer.json'), 'utf8'))
  const printable = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i))
  const tokens = ['<|endoftext|>', 'Ġ', 'Ċ', ...printable, ...MERGES.map(merge => merge.replace(' ', ''))]
  const model = { ...Object(Object(tokenizer).model), vocab: Object.fromEntries(tokens.map((t, id) => [t, id])) }
  await writeFile(
    join(folder, 'tokenizer.json'),
    JSON.stringify({ ...Object(tokenizer), model: { ...model, merges: MERGES } }),
  )
  await writeFile(join(folder, 'tokenizer_config.json'), await readFile(join(source, 'tokenizer_config.json')))
}
