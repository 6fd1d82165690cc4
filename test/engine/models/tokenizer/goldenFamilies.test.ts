import { readdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runTokenizerCase } from '../../../model/goldenTokenizer.ts'

const root = resolve('test/golden/tokenizers')
const splits = process.env.DEEP ? 20_000 : 300

describe('every tokenizer family equals the reference, and its seams are exact', async () => {
  test.each(await readdir(root))('%s', async family => {
    const line = await runTokenizerCase(resolve(root, family), { splits, seed: 20261121 })
    expect(line).toMatchObject({ case: family, ok: true, seams: { tried: splits, exact: splits } })
  })
})
