import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { awkwardSplit, awkwardText, ENGLISH, seeded } from '../../../model/seamTexts.ts'
import { trySeam } from '../../../model/seamTrial.ts'
import { FEATURES } from './features.ts'
import { openVariant } from './variantTokenizer.ts'

/** Ids of the same files by the reference (tokenizers 0.23.3 for Python). */
const reference: { texts: string[]; ids: Record<string, number[][]> } = JSON.parse(
  readFileSync(resolve('test/engine/models/tokenizer/featureIds.json'), 'utf8'),
)
const trials = process.env.DEEP ? 5000 : 60

describe.each(FEATURES)('%s', (name, family, change) => {
  test('gives the ids of the reference', async () => {
    const tokenizer = await openVariant(family, change)
    const ids = reference.texts.map(text => [...(tokenizer?.encode(text) ?? [])])
    expect(ids).toEqual(reference.ids[name])
  })

  test('folds exactly, and keeps most of a text', async () => {
    const tokenizer = await openVariant(family, change)
    if (tokenizer === null) throw new Error('no tokenizer')
    expect(tokenizer.undecidedSeams).toBeNull()
    const random = seeded(name.length)
    const material = { cases: [...reference.texts, ...ENGLISH], addedTokens: tokenizer.specialTokens }
    for (let i = 0; i < trials; i++) {
      const text = awkwardText(random, material)
      const cuts = awkwardSplit(random, text.length)
      expect(trySeam(tokenizer, text, cuts).exact, JSON.stringify({ text, cuts })).toBe(true)
    }
    const [text = ''] = ENGLISH
    const { tokens } = tokenizer.fold(tokenizer.startRun(), text)
    expect(tokens.length).toBeGreaterThan(tokenizer.encode(text).length / 2)
  })
})
