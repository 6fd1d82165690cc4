/** Answers led by a schema: whatever the logits are, and however a vocabulary writes, what comes to an end follows it. */
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Grammars } from '#engine/inference/grammar/grammars.ts'
import { schemaGrammar } from '#engine/inference/grammar/schemaGrammar.ts'
import { argmax } from '#engine/inference/logits.ts'
import type { Tokenizer } from '#engine/models/tokenizer/tokenizer.ts'
import { FEATURES } from '../../models/tokenizer/features.ts'
import { openFamily, openVariant } from '../../models/tokenizer/variantTokenizer.ts'
import { openGpt2Tokenizer } from '../../savings/gpt2/openGpt2Tokenizer.ts'
import { seeded } from '../seeded.ts'
import { SCHEMAS } from './schemas.ts'

const grammars = new Grammars()
afterAll(() => grammars.close())

const [, unigramFamily = '', unigram = () => {}] =
  FEATURES.find(([name]) => name === 'unigram with byte fallback') ?? []
const TOKENIZERS: Readonly<Record<string, () => Promise<Tokenizer | null>>> = {
  'GPT-2’s': openGpt2Tokenizer,
  'byte-level': () => openFamily('gpt2-style'),
  'SentencePiece with byte fallback': () => openFamily('sentencepiece-style'),
  'unigram with byte fallback': () => openVariant(unigramFamily, unigram),
}

/** The end of an answer, beyond every token, and which tokens close something. */
function closing(tokenizer: Tokenizer) {
  const vocabSize = tokenizer.vocabSize + 3
  const stopId = tokenizer.eosId ?? tokenizer.vocabSize
  const closes = Array.from({ length: vocabSize }, (_, id) => id === stopId || /["}\]]/.test(tokenizer.decode([id])))
  return { tokenizer, vocabSize, stopId, closes }
}

/**
 * The text of an answer, and whether it came to its end. The model's part is logits of chance, which the longer the answer gets
 * wish the more for what closes something.
 */
async function answer(
  { tokenizer, vocabSize, stopId, closes }: ReturnType<typeof closing>,
  schema: object,
  seed: number,
) {
  const random = seeded(seed)
  const drawn = Float32Array.from({ length: 4099 }, () => random.int(0, 1000) / 250)
  using led = await grammars.lead({ tokenizer, vocabSize, stopIds: [stopId], grammar: schemaGrammar(schema) })
  const ids: number[] = []
  for (let index = 0; index < 600; index++) {
    const logits = Float32Array.from(
      closes,
      (is, id) => (drawn[(id * 31 + index * 977) % drawn.length] ?? 0) + (is ? index / 40 : 0),
    )
    const row = led.allowed(logits)
    const id = row === null ? stopId : argmax(row)
    if (id === stopId) return { text: tokenizer.decode(ids), isWhole: true }
    ids.push(id)
    led.take(id)
    await led.ready()
  }
  return { text: tokenizer.decode(ids), isWhole: false }
}

describe.each(Object.keys(TOKENIZERS))('a vocabulary that is %s', name => {
  it('answers to each of twenty schemas', async () => {
    const tokenizer = await TOKENIZERS[name]?.()
    if (tokenizer === undefined || tokenizer === null) throw new Error('no tokenizer')
    const given = closing(tokenizer)
    expect(Object.keys(SCHEMAS).length).toBe(20)
    const seeds = process.env.DEEP === '1' ? 40 : 1
    for (const [called, schema] of Object.entries(SCHEMAS))
      for (let seed = 0; seed < seeds; seed++) {
        const { text, isWhole } = await answer(given, schema, seed)
        expect({ called, seed, text, isWhole }).toMatchObject({ isWhole: true })
        expect(text).not.toContain('\uFFFD')
        const told = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]).safeParse(JSON.parse(text))
        expect({ called, seed, text, error: told.error }).toMatchObject({ error: undefined })
      }
  })
})

describe('a thread', () => {
  it('leads several answers at once, each by its own schema', async () => {
    const given = closing(await openFamily('gpt2-style'))
    const names = Object.keys(SCHEMAS)
    const alone: unknown[] = []
    for (const [seed, name] of names.entries()) alone.push(await answer(given, SCHEMAS[name] ?? {}, seed))
    const together = await Promise.all(names.map((name, seed) => answer(given, SCHEMAS[name] ?? {}, seed)))
    expect(together).toEqual(alone)
  })
})
