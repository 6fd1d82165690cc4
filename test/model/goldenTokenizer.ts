import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import type { Tokenizer } from '#engine/models/tokenizer/tokenizer.ts'
import { toErrorValue } from '#shared/domain/error.ts'
import type { GoldenLine } from './goldenLine.ts'
import { openTokenizer } from './openTokenizer.ts'
import { awkwardSplit, awkwardText, pick, seeded } from './seamTexts.ts'
import { percentile, trySeam } from './seamTrial.ts'

const goldenSchema = z.looseObject({
  cases: z.array(
    z.looseObject({ text: z.string(), ids: z.array(z.int()), ids_with_special: z.array(z.int()), decoded: z.string() }),
  ),
  chats: z
    .array(
      z.looseObject({
        messages: z.array(z.object({ role: z.string(), content: z.string() })),
        rendered: z.string().optional(),
        ids: z.array(z.int()).optional(),
        /** The reference's own words, when it refuses. */
        refused: z.unknown().optional(),
      }),
    )
    .default([]),
})

/**
 * Runs one case of the tokenizer references: every text's ids, with and without special tokens, its decoded form, every
 * chat rendered or refused alike; then `splits` random splits, half of them of the case's own texts, half of
 * awkward ones. `tailTokens` is over the case's own texts.
 */
export async function runTokenizerCase(folder: string, { splits = 2000, seed = 1 } = {}): Promise<GoldenLine> {
  const name = basename(folder)
  try {
    const tokenizer = await openTokenizer(folder)
    if (tokenizer === null) return failure(name, 'There is no tokenizer.json.')
    const golden = goldenSchema.parse(JSON.parse(await readFile(join(folder, 'golden.json'), 'utf8')))
    const wrong = firstDifference(tokenizer, golden)
    if (wrong !== null) return failure(name, wrong)

    const random = seeded(seed)
    const cases = golden.cases.map(({ text }) => text)
    const chats = golden.chats.map(({ rendered }) => rendered).filter(text => text !== undefined)
    const material = { cases: [...cases, ...chats], addedTokens: tokenizer.specialTokens }
    const tails: number[] = []
    let exact = 0
    for (let tried = 0; tried < splits; tried++) {
      const own = tried % 2 === 0
      const text = own ? pick(random, material.cases) : awkwardText(random, material)
      const trial = trySeam(tokenizer, text, awkwardSplit(random, text.length))
      if (trial.exact) exact++
      if (own) tails.push(...trial.tails)
    }
    return {
      case: name,
      ok: exact === splits,
      limit: null,
      maxAbsDiff: { logits: null, fromSplit: null, cache: null },
      greedyEqual: null,
      seams: {
        tried: splits,
        exact,
        tailTokens: { p50: percentile(tails, 0.5), p95: percentile(tails, 0.95), max: percentile(tails, 1) },
      },
    }
  } catch (error) {
    const { code, message } = toErrorValue(error)
    return { case: name, ok: false, code, message }
  }
}

function failure(name: string, message: string): GoldenLine {
  return { case: name, ok: false, code: 'E_TOKENIZER', message }
}

/** The first thing that is not as in the reference, in words; null when all is. */
function firstDifference(tokenizer: Tokenizer, golden: z.infer<typeof goldenSchema>): string | null {
  const differ = (found: Iterable<number>, expected: readonly number[]): boolean =>
    [...found].join() !== expected.join()
  for (const { text, ids, ids_with_special: withSpecial, decoded } of golden.cases) {
    const shown = JSON.stringify(text.slice(0, 60))
    if (differ(tokenizer.encode(text), ids)) return `Other ids for ${shown}.`
    if (differ(tokenizer.encode(text, { bos: true }), withSpecial)) return `Other ids with special tokens for ${shown}.`
    if (tokenizer.decode(ids) !== decoded) return `Decoded otherwise: ${shown}.`
  }
  for (const { messages, rendered, ids, refused } of golden.chats) {
    const shown = JSON.stringify(messages).slice(0, 80)
    if (refused !== undefined) {
      if (!isRefused(tokenizer, messages)) return `Rendered, but the reference refuses it: ${shown}.`
      continue
    }
    const chat = tokenizer.renderChat(messages)
    if (chat.text !== rendered) return `Rendered otherwise: ${shown}.`
    if (differ(tokenizer.encode(chat.text), ids ?? [])) return `Other ids for the chat ${shown}.`
  }
  return null
}

function isRefused(tokenizer: Tokenizer, messages: { role: string; content: string }[]): boolean {
  try {
    tokenizer.renderChat(messages)
    return false
  } catch (error) {
    if (toErrorValue(error).code === 'E_TOKENIZER') return true
    throw error
  }
}
