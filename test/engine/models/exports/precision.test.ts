import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openModel } from '#engine/models/sources/openModel.ts'

const folder = (name: string) => resolve('test/golden/onnx', name)

describe('the precision of an export is what its file holds, not what it is called', () => {
  test('model.onnx with four-bit products is int4, asked for or not', async () => {
    expect((await openModel(folder('genai-llama-int4'))).fingerprint.precision).toBe('int4')
    expect((await openModel(folder('genai-llama-int4'), { precision: 'int4' })).fingerprint.precision).toBe('int4')
  })

  test('another precision is refused, naming the one there is', async () => {
    for (const [name, precision, there] of [
      ['genai-llama-int4', 'float32', 'int4'],
      ['genai-llama-fp32', 'int4', 'float32'],
    ] as const) {
      await expect(openModel(folder(name), { precision })).rejects.toMatchObject({
        code: 'E_NOT_FOUND',
        message: `This model has no ONNX file in ${precision}; it has: ${there}.`,
      })
    }
  })
})
