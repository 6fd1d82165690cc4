import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { openModel } from '#engine/models/sources/openModel.ts'
import type { Tokenizer } from '#engine/models/tokenizer/tokenizer.ts'
import { GOLDEN_LIMIT, type GoldenLine } from './goldenLine.ts'
import { compareWithGolden, type Golden, tensorOf } from './goldenModel.ts'
import { awkwardSplit, pick, seeded } from './seamTexts.ts'
import { percentile, trySeam } from './seamTrial.ts'

const goldenSchema = z.looseObject({
  /** The folder whose golden.safetensors holds, of a file with the same weights; default this one. */
  reference: z.string().default('.'),
  texts: z.array(z.object({ text: z.string(), ids: z.array(z.int()) })).default([]),
})
/** Random splits of the case's texts whose tokens must be those of the whole. */
const SPLITS = 300

/**
 * A GGUF case: the ids of every text, then logits against the reference's on the dequantised weights. Every type is held
 * exactly, so that the limit is the one of float32 checkpoints.
 */
export async function runGgufCase(folder: string): Promise<GoldenLine> {
  const { texts, reference: from } = goldenSchema.parse(JSON.parse(await readFile(join(folder, 'golden.json'), 'utf8')))
  const { tokenizer } = await openModel(folder)
  if (texts.length > 0 && tokenizer === null) return failure(folder, 'The file has no tokenizer.')
  for (const { text, ids } of texts) {
    const found = tokenizer?.encode(text) ?? []
    if (found.join() !== ids.join()) return failure(folder, `Other ids for ${JSON.stringify(text.slice(0, 60))}.`)
  }
  const choose = async (golden: Golden) => ({ logits: tensorOf(golden, 'logits'), limit: GOLDEN_LIMIT })
  const pass = await compareWithGolden(folder, choose, join(folder, from))
  const seams = tokenizer === null ? null : trySeams(tokenizer, texts)
  return { ...pass, ok: pass.ok && seams?.tried === seams?.exact, seams }
}

function trySeams(tokenizer: Tokenizer, texts: readonly { text: string }[]) {
  const random = seeded(1)
  const tails: number[] = []
  let exact = 0
  const tried = texts.length === 0 ? 0 : SPLITS
  for (let split = 0; split < tried; split++) {
    const { text } = pick(random, texts)
    const trial = trySeam(tokenizer, text, awkwardSplit(random, text.length))
    if (trial.exact) exact++
    tails.push(...trial.tails)
  }
  return {
    ...{ tried, exact },
    tailTokens: { p50: percentile(tails, 0.5), p95: percentile(tails, 0.95), max: percentile(tails, 1) },
  }
}

function failure(folder: string, message: string): GoldenLine {
  return { case: basename(folder), ok: false, code: 'E_TOKENIZER', message }
}
