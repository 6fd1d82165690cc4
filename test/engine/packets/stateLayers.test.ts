import { expect, it } from 'vitest'
import { decodeKvBlock, decodeLogits, encodeKvBlock, encodeLogits } from '#engine/packets/stateLayers.ts'
import { encodeSafetensors } from '#engine/store/safetensors.ts'
import { seeded } from '../inference/seeded.ts'

const random = seeded(3)
const kv = [
  { layer: 0, kvHeads: 2, headDim: 4 },
  { layer: 3, kvHeads: 1, headDim: 8 },
]
const numbers = (length: number) => Float32Array.from({ length }, () => random.int(-(2 ** 20), 2 ** 20) / 1024)
const block = (tokens: number, start = 0) => ({
  ...{ start, tokens },
  layers: kv.map(shape => {
    const size = shape.kvHeads * tokens * shape.headDim
    return { ...shape, key: numbers(size), value: numbers(size) }
  }),
})
const config = (tokens: number, dtype: 'float32' | 'float16' = 'float32') => ({
  cache: { dtype, blockTokens: 64, kv },
  tokens: { count: tokens },
})

it('writes a block in float32 as the tensors that it is, and reads them from those very bytes', async () => {
  for (const tokens of [1, 63, 64]) {
    const given = block(tokens)
    const bytes = await encodeKvBlock(given, 'float32')
    const tensors = given.layers.flatMap(({ layer, kvHeads, headDim, key, value }) =>
      Object.entries({ key, value }).map(([side, { buffer, byteOffset, byteLength }]) => ({
        ...{ name: `${side}.${layer}`, dtype: 'F32' as const, shape: [kvHeads, tokens, headDim] },
        data: new Uint8Array(buffer, byteOffset, byteLength),
      })),
    )
    expect(Buffer.compare(bytes, encodeSafetensors(tensors))).toBe(0)
    const read = await decodeKvBlock(bytes, { config: config(tokens), start: 0 })
    expect(read).toEqual(given)
    expect(read.layers.every(({ key, value }) => key.buffer === bytes.buffer && value.buffer === bytes.buffer)).toBe(
      true,
    )
  }
})

it.each(['float32', 'float16'] as const)('refuses a block in %s that is not in its one form', async dtype => {
  const bytes = await encodeKvBlock(block(5), dtype)
  for (const wrong of [
    bytes.subarray(0, -4),
    Uint8Array.from([...bytes, 0, 0, 0, 0]),
    // A space of the padding is a tab.
    bytes.with(bytes.indexOf(0x7d, bytes.lastIndexOf(0x5d, 300)) + 1, 9),
  ]) {
    await expect(decodeKvBlock(wrong, { config: config(5, dtype), start: 0 })).rejects.toMatchObject({
      code: 'E_BAD_FORMAT',
    })
  }
  // Of other tokens than the config says.
  await expect(decodeKvBlock(bytes, { config: config(4, dtype), start: 0 })).rejects.toMatchObject({
    code: 'E_BAD_FORMAT',
  })
})

it('refuses logits that are no numbers, wherever they stand, and no others', () => {
  const logits = numbers(700)
  logits.set([0, -0, 3.4028234663852886e38, -3.4028234663852886e38, 1e-45], 100)
  expect(decodeLogits(encodeLogits(logits))).toEqual(logits)
  for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    for (const at of [0, 350, 699]) {
      expect(() => encodeLogits(logits.with(at, wrong))).toThrow(expect.objectContaining({ code: 'E_INFERENCE' }))
    }
  }
})
