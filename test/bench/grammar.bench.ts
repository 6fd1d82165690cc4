/**
 * What it costs that an answer follows a schema, with GPT-2's vocabulary: opening the thread, compiling a schema, and finding
 * for each token what may follow it (while the model reads that token). `--runs N` answers to each schema, two at least.
 */
import { parseArgs } from 'node:util'
import { Grammars } from '#engine/inference/grammar/grammars.ts'
import { schemaGrammar } from '#engine/inference/grammar/schemaGrammar.ts'
import { SCHEMAS } from '../engine/inference/grammar/schemas.ts'
import { openGpt2Tokenizer } from '../engine/savings/gpt2/openGpt2Tokenizer.ts'
import { row } from './benchEngine.ts'
import { median } from './median.ts'
import { timed } from './timed.ts'

const { values } = parseArgs({ options: { runs: { type: 'string', default: '3' } } })
const runs = Math.max(2, Number(values.runs))
const tokenizer = await openGpt2Tokenizer()
const vocabSize = tokenizer.vocabSize
const grammars = new Grammars()
const flat = new Float32Array(vocabSize)

async function lead(schema: unknown) {
  const stopIds = [vocabSize - 1]
  return await grammars.lead({ tokenizer, vocabSize, stopIds, grammar: schemaGrammar(schema) })
}

const [opening] = await timed(async () => (await lead({ type: 'null' }))[Symbol.dispose]())
const table: Record<string, string | number>[] = []
for (const [name, schema] of Object.entries(SCHEMAS)) {
  const compiling: number[] = []
  const masking: number[] = []
  const applying: number[] = []
  for (let run = 0; run < runs; run++) {
    const [ms, led] = await timed(() => lead(schema))
    compiling.push(ms)
    for (let index = 0; index < 40; index++) {
      const began = performance.now()
      const allowed = led.allowed(flat)
      applying.push(performance.now() - began)
      // The last token that may come next, which is not the end: how long looking for it takes is not the product's.
      const id = allowed?.findLastIndex((logit, token) => logit === 0 && token < vocabSize - 1) ?? -1
      if (id < 0) break
      led.take(id)
      masking.push((await timed(() => led.ready()))[0])
    }
    led[Symbol.dispose]()
  }
  const [first = 0, ...again] = compiling
  table.push(
    row({
      ...{ schema: name, 'compiled ms': first, 'again ms': median(again) },
      ...{ 'mask ms, median': median(masking), 'mask ms, most': Math.max(...masking) },
      ...{ 'applied ms': median(applying) },
    }),
  )
}
console.log(`GPT-2’s vocabulary of ${vocabSize} tokens; the thread was open after ${opening.toFixed(0)} ms.`)
console.table(table)
grammars.close()
