import { join } from 'node:path'
import { expect, test } from 'vitest'
import { weightSpeed } from '#engine/inference/weightSpeed.ts'
import { choosePrecision } from '#engine/live/choosePrecision.ts'
import type { Precision } from '#engine/models/model.ts'
import { describeModel } from '#engine/models/sources/openModel.ts'
import { ASSETS } from '../testEngine.ts'

/** A model of a billion numbers, as far as its headers tell. */
const large = async (precision: Precision) => ({
  ...(await describeModel(join(ASSETS, 'models', 'starter-transformer'), precision)),
  loadedBytes: { float32: 4e9, float16: 4e9, int8: 1.125e9, int4: 0.625e9 }[precision],
})
const machine = (bytesPerSecond: number, free = 64e9) => ({
  freeMemory: () => free,
  weightSpeed: async () => bytesPerSecond,
})

test('a machine that would write fewer than five tokens a second in float32 runs a model in int8, and says so', async () => {
  expect(await choosePrecision(large, machine(8e9))).toEqual({
    precision: 'int8',
    reason: 'In float32 this machine would write about 2.0 tokens a second, in int8 about 7.1.',
  })
  expect(await choosePrecision(large, machine(20e9))).toBeNull()
  expect(await choosePrecision(large, machine(20e9, 2e9))).toMatchObject({ precision: 'int8' })
  expect(await choosePrecision(large, machine(8e9, 1e6))).toBeNull()
})

test('weights that are quantised already, and those that cannot be converted, stay as they are', async () => {
  const quantised = async (precision: Precision) => ({ ...(await large(precision)), quantisedTypes: ['Q4_0'] })
  expect(await choosePrecision(quantised, machine(1e9))).toBeNull()
  const only32 = (precision: Precision) =>
    precision === 'float32' ? large(precision) : Promise.reject(new Error('There is no such file.'))
  expect(await choosePrecision(only32, machine(1e9))).toBeNull()
})

test('the speed of weights is measured by multiplying with some', async () => {
  expect(await weightSpeed(1)).toBeGreaterThan(1e8)
})
