/**
 * `llamaCppLogits.ts JSON`: the ids and the logits after them that llama.cpp (through node-llama-cpp) gives for texts, in a
 * process of its own. Writes JSON into the file that is named.
 */
import { writeFileSync } from 'node:fs'
import { openLlamaCpp } from '../bench/openLlamaCpp.ts'

export interface LlamaCppQuestion {
  /** A folder with `node_modules/node-llama-cpp`. */
  readonly installedIn: string
  readonly gguf: string
  readonly texts: readonly string[]
  readonly threads: number
  /** Where the answers go. */
  readonly out: string
}
export interface LlamaCppAnswer {
  readonly ids: readonly number[]
  /** After the last id, by id. */
  readonly logits: readonly number[]
}

const { texts, out, ...given }: LlamaCppQuestion = JSON.parse(process.argv[2] ?? '{}')
const { binding, tokenize, logitsAt } = await openLlamaCpp({ ...given, contextSize: 1024, batchSize: 512 })
const answers: LlamaCppAnswer[] = []
for (const text of texts) {
  const ids = tokenize(text)
  binding.disposeSequence(0)
  binding.initBatch(ids.length)
  const [at] = binding.addToBatch(0, 0, Uint32Array.from(ids), Uint32Array.of(ids.length - 1))
  await binding.decodeBatch()
  const { pairs } = await logitsAt(at)
  const logits: number[] = []
  for (let i = 0; i < pairs.length; i += 2) logits[pairs[i] ?? 0] = pairs[i + 1] ?? 0
  answers.push({ ids, logits })
}
writeFileSync(out, JSON.stringify(answers))
// Its threads would keep the process.
process.exit(0)
