import { describe, expect, it } from 'vitest'
import { createSampler, type Sampling } from '#engine/inference/sampling.ts'

const DRAWS = process.env.DEEP ? 200_000 : 20_000
const NOTHING: ReadonlySet<number> = new Set()

/** How often each id comes up. */
function frequencies(logits: Float32Array, sampling: Sampling, seen: ReadonlySet<number> = NOTHING): number[] {
  const sample = createSampler(sampling)
  const counts = new Array<number>(logits.length).fill(0)
  for (let n = 0; n < DRAWS; n++) {
    const id = sample(logits, seen)
    counts[id] = (counts[id] ?? 0) + 1
  }
  return counts.map(count => count / DRAWS)
}

function softmax(logits: readonly number[]): number[] {
  const weights = logits.map(Math.exp)
  const sum = weights.reduce((a, b) => a + b, 0)
  return weights.map(weight => weight / sum)
}

const LOGITS = Float32Array.of(1, 3, -2, 2.5, 0, 2.9)

function expectDistribution(found: number[], expected: number[]): void {
  for (const [id, share] of expected.entries()) {
    // Six standard deviations of a share of DRAWS draws; the seed is fixed, so this holds or it does not.
    const deviation = 6 * Math.sqrt((share * (1 - share)) / DRAWS)
    expect(Math.abs((found[id] ?? 0) - share)).toBeLessThanOrEqual(deviation)
  }
}

describe('sampling', () => {
  it('draws each token as often as it is likely', () => {
    expectDistribution(frequencies(LOGITS, { temperature: 1 }), softmax([...LOGITS]))
  })

  it('divides logits by the temperature', () => {
    expectDistribution(frequencies(LOGITS, { temperature: 2, seed: 5 }), softmax([...LOGITS].map(logit => logit / 2)))
  })

  it('keeps the k most likely', () => {
    expectDistribution(frequencies(LOGITS, { temperature: 1, topK: 2 }), softmax([-99, 3, -99, -99, -99, 2.9]))
  })

  it('keeps the fewest that reach p', () => {
    const [, best = 0] = softmax([...LOGITS])
    expect(frequencies(LOGITS, { temperature: 1, topP: best - 0.01 })[1]).toBe(1)
    expectDistribution(
      frequencies(LOGITS, { temperature: 1, topP: best + 0.01 }),
      softmax([-99, 3, -99, -99, -99, 2.9]),
    )
  })

  it('drops what is less likely than a share of the best', () => {
    const share = Math.exp(2.5 - 3) - 0.01
    expectDistribution(frequencies(LOGITS, { temperature: 1, minP: share }), softmax([-99, 3, -99, 2.5, -99, 2.9]))
  })

  it('penalises what occurred, whichever sign its logit has', () => {
    const penalised = softmax([1, 3 / 1.3, -2 * 1.3, 2.5, 0, 2.9])
    expectDistribution(frequencies(LOGITS, { temperature: 1, repetitionPenalty: 1.3 }, new Set([1, 2])), penalised)
  })

  it('takes the lowest id of equals when greedy, and does not change its input', () => {
    const tied = Float32Array.of(1, 5, 5, 0)
    expect(createSampler()(tied, NOTHING)).toBe(1)
    expect(createSampler({ repetitionPenalty: 2 })(tied, new Set([1]))).toBe(2)
    expect([...tied]).toEqual([1, 5, 5, 0])
  })

  it('gives the same draws for the same seed', () => {
    const draws = (seed: number) => {
      const sample = createSampler({ temperature: 3, seed })
      return Array.from({ length: 20 }, () => sample(LOGITS, NOTHING))
    }
    expect(draws(42)).toEqual([2, 4, 1, 3, 1, 3, 1, 2, 0, 4, 1, 1, 2, 4, 5, 5, 2, 4, 0, 3])
    expect(draws(43)).not.toEqual(draws(42))
  })
})
