import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromLogPosition, LOG_STEPS, slide, toLogPosition } from '../../../../renderer/features/savings/logScale.ts'
import { cumulative, loopSample } from '../../../../renderer/features/savings/loopSample.ts'

const range = fc.tuple(fc.constantFrom(0, 0.1, 1), fc.constantFrom(20, 500, 100_000))

describe('logScale', () => {
  test('positions grow with values, both ends are exact, and every position stays in the range', () => {
    fc.assert(
      fc.property(range, fc.nat(LOG_STEPS), fc.nat(LOG_STEPS), ([min, max], a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)]
        expect(fromLogPosition(low, min, max)).toBeLessThanOrEqual(fromLogPosition(high, min, max))
        expect(fromLogPosition(a, min, max)).toBeGreaterThanOrEqual(min)
        expect(fromLogPosition(a, min, max)).toBeLessThanOrEqual(max)
        expect([fromLogPosition(0, min, max), fromLogPosition(LOG_STEPS, min, max)]).toEqual([min, max])
      }),
    )
  })
  test('a value set by the slider stands where the slider stood, within two digits', () => {
    for (let at = 5; at <= LOG_STEPS; at += 1) {
      const value = fromLogPosition(at, 0, 100_000)
      expect(Math.abs(toLogPosition(value, 0, 100_000) - at)).toBeLessThanOrEqual(2)
    }
  })
})

describe('slide', () => {
  test('a single key press always moves the value, in its direction', () => {
    fc.assert(
      fc.property(
        range,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.boolean(),
        fc.constantFrom(-1, 1),
        ([min, max], t, integer, step) => {
          const raw = min + t ** 4 * (max - min)
          const value = integer ? Math.ceil(raw) : Number(raw.toPrecision(4))
          const low = integer ? Math.ceil(min) : min
          const at = toLogPosition(value, low, max) + step
          fc.pre(at >= 0 && at <= LOG_STEPS)
          const next = slide(at, { value, min: low, max, integer })
          expect(next).toBeGreaterThanOrEqual(low)
          expect(next).toBeLessThanOrEqual(max)
          if (value > low && value < max) expect(Math.sign(next - value)).toBe(step)
        },
      ),
    )
  })
})

describe('loop samples', () => {
  test('takes only samples that are steps', () => {
    expect(loopSample(undefined)).toBeNull()
    expect(loopSample({ step: 1 })).toBeNull()
    expect(loopSample({ step: 1, naiveTokens: 59, stateTokens: 59 })).toMatchObject({
      naiveTokens: 59,
      naiveSeconds: 0,
    })
  })
  test('running sums end at the totals, exactly', () => {
    const steps = Array.from({ length: 40 }, (_, i) => ({
      step: i + 1,
      naiveTokens: 38 + 21 * (i + 1),
      stateTokens: i === 0 ? 59 : 21,
      naiveSeconds: 0.5,
      stateSeconds: 0.25,
    }))
    // 40 x 38 + 21 x 820, and 38 + 21 x 40
    expect(cumulative(steps).at(-1)).toEqual({
      step: 40,
      naiveTokens: 18_740,
      stateTokens: 878,
      naiveSeconds: 20,
      stateSeconds: 10,
    })
    expect(cumulative([])).toEqual([])
  })
})
