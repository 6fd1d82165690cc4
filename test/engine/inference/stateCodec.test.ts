import { describe, expect, it } from 'vitest'
import { compareLogits, compareStates } from '#engine/inference/compareStates.ts'
import { openRuntime } from '#engine/inference/runtime.ts'
import { decodeTensor, encodeTensor, roundTripState, type TensorRole } from '#engine/inference/stateCodec.ts'
import type { StateSnapshot } from '#engine/inference/stateSnapshot.ts'
import type { StateDtype } from '#shared/domain/cartridge.ts'
import { runnableModel, STARTERS } from './runnableModel.ts'
import { seeded } from './seeded.ts'

const random = seeded(23)
const uniform = () => random.int(-1_000_000, 1_000_000) / 1_000_000

/** Numbers of very different sizes along every dimension, some exactly zero. */
function wild(size: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => (i % 17 === 0 ? 0 : uniform() * 10 ** ((i % 7) - 3)))
}

async function again(values: Float32Array, dims: number[], dtype: StateDtype, role: TensorRole): Promise<Float32Array> {
  return decodeTensor(await encodeTensor(values, { dims, dtype, role }))
}

describe('storing numbers', () => {
  it('keeps float32 as it is', async () => {
    const values = wild(3 * 5 * 7)
    expect(await again(values, [3, 5, 7], 'float32', 'key')).toEqual(values)
  })

  it('rounds to float16 as the language does, and widens every float16 exactly', async () => {
    const values = wild(4 * 64 * 32)
    expect(await again(values, [4, 64, 32], 'float16', 'value')).toEqual(Float32Array.from(new Float16Array(values)))
    const halves = Uint16Array.from({ length: 65536 }, (_, bits) => bits)
    // IEEE 754 binary16, written out.
    const meant = Float32Array.from(halves, bits => {
      const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023]
      if (exponent === 31 && fraction !== 0) return Number.NaN
      const size = exponent === 31 ? Number.POSITIVE_INFINITY : fraction * 2 ** -24
      const value = exponent === 0 || exponent === 31 ? size : (1 + fraction / 1024) * 2 ** (exponent - 15)
      return bits < 0x8000 ? value : -value
    })
    const stored = { dtype: 'float16', role: 'value', dims: [65536], scales: null, scaleDims: null } as const
    expect(await decodeTensor({ ...stored, data: new Uint8Array(halves.buffer) })).toEqual(meant)
  })

  it('stores int8 keys per channel and values per token, off by at most half a step', async () => {
    const dims = [2, 9, 5]
    const values = wild(90)
    for (const role of ['key', 'value'] as const) {
      const { data, scales, scaleDims } = await encodeTensor(values, { dims, dtype: 'int8', role })
      expect(scaleDims).toEqual(role === 'key' ? [2, 1, 5] : [2, 9, 1])
      const found = await again(values, dims, 'int8', role)
      for (let h = 0; h < 2; h++) {
        for (let t = 0; t < 9; t++) {
          for (let c = 0; c < 5; c++) {
            const at = (h * 9 + t) * 5 + c
            const group = Array.from({ length: role === 'key' ? 9 : 5 }, (_, i) =>
              Math.abs(values[role === 'key' ? (h * 9 + i) * 5 + c : (h * 9 + t) * 5 + i] ?? 0),
            )
            const step = Math.max(...group) / 127
            expect(scales?.[role === 'key' ? h * 5 + c : h * 9 + t]).toBeCloseTo(step === 0 ? 1 : step, 5)
            expect(Math.abs((found[at] ?? 0) - (values[at] ?? 0))).toBeLessThanOrEqual(step / 2 + 1e-6 * step)
          }
        }
      }
      expect(data).toHaveLength(90)
    }
  })

  it('stores float8 e4m3 as the nearest of its 253 numbers', async () => {
    const table = Array.from({ length: 256 }, (_, code) => e4m3(code)).filter(Number.isFinite)
    const values = wild(64 * 10)
    // One row holds the largest number, so its scale is exactly 1, and every representable number must survive.
    const exact = Float32Array.from(table)
    expect(await again(exact, [1, 1, exact.length], 'float8_e4m3', 'value')).toEqual(exact.map(value => value + 0))
    const { scales } = await encodeTensor(values, { dims: [1, 64, 10], dtype: 'float8_e4m3', role: 'value' })
    const found = await again(values, [1, 64, 10], 'float8_e4m3', 'value')
    for (const [i, value] of values.entries()) {
      const scale = scales?.[Math.floor(i / 10)] ?? 1
      const nearest = Math.min(...table.map(number => Math.abs(number * scale - value)))
      expect(Math.abs((found[i] ?? 0) - value)).toBeLessThanOrEqual(nearest * (1 + 1e-5) + 1e-6 * Math.abs(value))
    }
  })

  it('reads all 256 codes of float8 e4m3 as the OCP specification has them', async () => {
    const codes = { dtype: 'float8_e4m3', role: 'value', dims: [1, 1, 256], scaleDims: [1, 1, 1] } as const
    const data = Uint8Array.from({ length: 256 }, (_, code) => code)
    const found = await decodeTensor({ ...codes, data, scales: Float32Array.of(1) })
    expect(found).toEqual(Float32Array.from(data, e4m3))
    // Table 2 of the specification (revision 1.0): largest and smallest normal and subnormal numbers, zeros, NaN.
    expect([0x7e, 0x08, 0x07, 0x01, 0x00].map(code => found[code])).toEqual([448, 2 ** -6, 0.875 * 2 ** -6, 2 ** -9, 0])
    expect([0xfe, 0x80].map(code => found[code])).toEqual([-448, -0])
    expect([0x7f, 0xff].map(code => found[code])).toEqual([Number.NaN, Number.NaN])
  })

  it('keeps extreme numbers within the error it states: half a step of the largest that shares a scale, or of 2^-126', async () => {
    // From the smallest subnormal float32 to the largest number, and rows that mix both ends.
    const sizes = [2 ** -149, 1e-44, 1e-42, 1e-38, 1.2e-7, 1, 65_504, 1e20, 3.4028234663852886e38]
    for (const largest of sizes) {
      for (const [dtype, error] of [
        ['int8', 0.5 / 127],
        // Half of the last of three bits after the point.
        ['float8_e4m3', 2 ** -5],
      ] as const) {
        const row = Float32Array.of(largest, -largest, largest / 3, -largest / 7, largest * 1e-3, 0, largest * 0.51)
        for (const role of ['key', 'value'] as const) {
          const dims = role === 'key' ? [1, row.length, 1] : [1, 1, row.length]
          const found = await again(row, dims, dtype, role)
          const worst = Math.max(...found.map((value, i) => Math.abs(value - (row[i] ?? 0))))
          const bound = largest * error * (1 + 1e-5) + 2 ** -127
          expect({ largest, dtype, role, fits: worst <= bound }).toEqual({ largest, dtype, role, fits: true })
        }
      }
    }
    const halves = Float32Array.of(65_504, -65_504, 2 ** -24, -(2 ** -25), 6.1e-5, 1 + 2 ** -11, 0)
    const found = await again(halves, [1, 1, halves.length], 'float16', 'value')
    for (const [i, value] of found.entries())
      expect(Math.abs(value - (halves[i] ?? 0))).toBeLessThanOrEqual(
        Math.max(Math.abs(halves[i] ?? 0) * 2 ** -11, 2 ** -25),
      )
  })

  it('refuses what a type cannot hold, and data of the wrong size', async () => {
    for (const dtype of ['float16', 'int8', 'float8_e4m3'] as const) {
      const values = Float32Array.of(1, Number.POSITIVE_INFINITY)
      const encoded = encodeTensor(values, { dims: [1, 1, 2], dtype, role: 'key' })
      await expect(encoded).rejects.toMatchObject({ code: 'E_NOT_SUPPORTED' })
    }
    const large = encodeTensor(Float32Array.of(70_000), { dims: [1, 1, 1], dtype: 'float16', role: 'key' })
    await expect(large).rejects.toMatchObject({ code: 'E_NOT_SUPPORTED', details: { instead: 'float32' } })
    const good = await encodeTensor(wild(6), { dims: [1, 2, 3], dtype: 'int8', role: 'value' })
    await expect(decodeTensor({ ...good, data: good.data.slice(1) })).rejects.toMatchObject({ code: 'E_BAD_FORMAT' })
    await expect(decodeTensor({ ...good, scales: null })).rejects.toMatchObject({ code: 'E_BAD_FORMAT' })
  })
})

describe.each(STARTERS)('a state of %s stored smaller', folder => {
  it('runs on with an error that grows as the type shrinks', async () => {
    const runtime = await openRuntime(await runnableModel(folder), { device: 'cpu', threads: 2 })
    using session = runtime.newSession()
    await session.append(random.tokens(150, 2048), { logits: 'none' })
    const state = await session.capture()
    // One continuation may by chance suffer less from the coarser type.
    const continuations = Array.from({ length: 16 }, () => random.tokens(10, 2048))
    const continued = async (from: StateSnapshot, next: Int32Array) => {
      using on = await runtime.restore(from)
      return await on.append(next)
    }
    const exact = await Promise.all(continuations.map(next => continued(state, next)))
    const klBits: number[] = []
    for (const dtype of ['float32', 'float16', 'int8', 'float8_e4m3'] as const) {
      const stored = await roundTripState(state, dtype)
      const relative = compareStates(state, stored).map(({ maxAbsDiff, maxAbs }) => maxAbsDiff / maxAbs)
      expect(Math.max(...relative)).toBeLessThanOrEqual(
        { float32: 0, float16: 5e-4, int8: 4e-3, float8_e4m3: 4e-2 }[dtype],
      )
      const found = await Promise.all(continuations.map(next => continued(stored, next)))
      const losses = exact.map((logits, i) => compareLogits(logits, found[i] ?? logits).klBits)
      klBits.push(losses.reduce((sum, loss) => sum + loss, 0) / losses.length)
    }
    const [float32, float16 = 0, int8 = 0, float8 = 0] = klBits
    expect(float32).toBe(0)
    expect(float16).toBeLessThan(1e-3)
    for (const loss of [int8, float8]) expect(loss).toBeGreaterThan(float16)
    // The small numbers beside a large one, which float8 keeps better than int8, are what a recurrent state lives by.
    if (state.recurrent.length === 0) expect(int8).toBeLessThan(float8)
    await runtime.dispose()
  })
})

/** Sign, four exponent bits with bias 7, three mantissa bits (OCP 8-bit floating point specification). */
function e4m3(code: number): number {
  if ((code & 127) === 127) return Number.NaN
  const exponent = (code >> 3) % 16
  const fraction = (code % 8) / 8
  return (code >= 128 ? -1 : 1) * (exponent === 0 ? fraction * 2 ** -6 : (1 + fraction) * 2 ** (exponent - 7))
}
