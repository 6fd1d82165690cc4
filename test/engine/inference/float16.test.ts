import { describe, expect, it } from 'vitest'
import { isFiniteFloat16, roundNumbers, widenNumbers } from '#engine/inference/float16.ts'

const ALL = new Float16Array(Uint16Array.from({ length: 65_536 }, (_, bits) => bits).buffer)

describe('float16 by the runtime', () => {
  it('widens every number as the language does', async () => {
    const wide = new Float32Array(ALL.length)
    await widenNumbers(ALL, wide)
    expect(wide).toEqual(new Float32Array(ALL))
  })

  it('rounds as the language does: ties to even, denormals, what is too large', async () => {
    // Every float16, its neighbours in float32, and the middles between it and the next.
    const bits = new Uint32Array(new Float32Array(ALL).buffer)
    const around = [-1, 0, 1, 0x0fff, 0x1000, 0x1001].flatMap(step => Array.from(bits, value => (value + step) >>> 0))
    const values = new Float32Array(Uint32Array.from(around).buffer).map(value => (Number.isNaN(value) ? 0 : value))
    const rounded = new Float16Array(values.length)
    await roundNumbers(values, rounded)
    expect(new Uint16Array(rounded.buffer)).toEqual(new Uint16Array(new Float16Array(values).buffer))
  })

  it.each([1, 2, 3, 64, 65])('sees the one of %i numbers that is not finite, wherever it is', length => {
    for (const start of [0, 1]) {
      const values = new Float16Array(length + 1).subarray(start, start + length).fill(65_504)
      expect(isFiniteFloat16(values)).toBe(true)
      for (const bad of [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]) {
        for (let at = 0; at < length; at++) {
          values[at] = bad
          expect(isFiniteFloat16(values)).toBe(false)
          values[at] = -65_504
        }
        values.fill(65_504)
      }
    }
    expect(isFiniteFloat16(new Float16Array(0))).toBe(true)
  })
})
