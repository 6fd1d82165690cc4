import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openModel } from '#engine/models/sources/openModel.ts'
import type { GgufWritten } from '../../../model/ggufWriter.ts'
import { TINY_PAIRS, TINY_TENSORS, tinyGguf } from './tinyGguf.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gguf-rotation-'))
})
afterAll(() => rm(folder, { recursive: true }))

const number = (value: number): GgufWritten => ({ type: 'float32', value })

/** The rotation and the context of a model of heads of 16 and a context of 64 with these keys and lists of divisors. */
async function rotation(keys: Record<string, GgufWritten>, lists: readonly string[] = []) {
  const file = join(folder, 'tiny.gguf')
  const added = Object.entries(keys).map(([key, value]) => [`llama.rope.scaling.${key}`, value] as const)
  const tensors = lists.map(name => ({ name, dims: [8], bytes: 32 }))
  const bytes = tinyGguf({ pairs: [...TINY_PAIRS, ...added], tensors: [...TINY_TENSORS, ...tensors] })
  // The lists lie at the end, and hold what is above zero.
  for (let at = bytes.length - 32 * lists.length; at < bytes.length; at += 4) bytes.writeFloatLE(2, at)
  await writeFile(file, bytes)
  const { position, contextLength } = await openModel(file)
  return { ...position.parameters, contextLength }
}

const EVEN = Array(8).fill(1).join(' ')

test('a magnitude is applied whatever the waves are', async () => {
  const magnitude = { attn_factor: number(1.25) }
  expect(await rotation({})).toMatchObject({ rope_type: 'default', contextLength: 64 })
  const alone = { rope_type: 'longrope', short_factor: EVEN, attention_factor: 1.25, contextLength: 64 }
  expect(await rotation(magnitude)).toMatchObject(alone)
  const linear = { type: { type: 'string', value: 'linear' }, factor: number(4) } as const
  expect(await rotation(linear)).toMatchObject({ rope_type: 'linear', factor: 4 })
  const both = { ...alone, short_factor: EVEN.replaceAll('1', '4') }
  expect(await rotation({ ...magnitude, ...linear })).toMatchObject(both)
})

test('divisors for long and short texts hold up to the length of the first training, a single list everywhere', async () => {
  const keys = { attn_factor: number(1.25), original_context_length: { type: 'uint32', value: 32 } } as const
  const two = await rotation(keys, ['rope_factors_long.weight', 'rope_factors_short.weight'])
  expect(two).toMatchObject({ rope_type: 'longrope', attention_factor: 1.25, contextLength: 32 })
  expect(two).toMatchObject({ short_factor: EVEN.replaceAll('1', '2') })
  expect(await rotation(keys, ['rope_freqs.weight'])).toMatchObject({ rope_type: 'longrope', contextLength: 64 })
})
