import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { StatePackError } from '#shared/domain/error.ts'
import { argmax } from './logits.ts'

/** Recorded in receipts beside the seed, so that a sampled run can be replayed. */
export const SAMPLING_GENERATOR = 'pure-rand/xoroshiro128plus+uniformFloat64'

/** How the next token is chosen. Everything left out: greedy. */
export interface Sampling {
  /** 0 (default): the most likely token. Above: logits are divided by it. */
  readonly temperature?: number
  /** Keep the k most likely; 0 (default): all. */
  readonly topK?: number
  /** Keep the smallest set of most likely tokens whose probabilities reach p; 1 (default): all. */
  readonly topP?: number
  /** Drop tokens less likely than this share of the most likely one; 0 (default): none. */
  readonly minP?: number
  /** Divide positive and multiply negative logits of tokens that already occurred (CTRL, Keskar et al. 2019); 1: off. */
  readonly repetitionPenalty?: number
  /** Unsigned 32-bit seed; default 0. */
  readonly seed?: number
}

/** Chooses the next token from a row of logits, which it does not change. */
export type Sampler = (logits: Float32Array, seen: ReadonlySet<number>) => number

/** Below this natural-log distance from the best token a candidate weighs under 1e-13 and is not sorted. */
const NEGLIGIBLE = -30

/**
 * A sampler with its own generator: the same settings, seed and logits give the same tokens everywhere. The steps are
 * taken in the usual order: repetition penalty, temperature, top-k, top-p, min-p. Throws `E_BAD_INPUT`.
 */
export function createSampler(sampling: Sampling = {}): Sampler {
  const { temperature = 0, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1, seed = 0 } = sampling
  inRange('temperature', temperature, 0, Number.MAX_VALUE)
  inRange('topK', topK, 0, 2 ** 31)
  inRange('topP', topP, Number.MIN_VALUE, 1)
  inRange('minP', minP, 0, 1)
  inRange('repetitionPenalty', repetitionPenalty, Number.MIN_VALUE, Number.MAX_VALUE)
  inRange('seed', seed, 0, 2 ** 32 - 1)
  if (!Number.isInteger(seed) || !Number.isInteger(topK)) throw badSetting('seed and topK must be whole numbers')
  const random = xoroshiro128plus(seed | 0)

  return (logits, seen) => {
    const row = repetitionPenalty === 1 ? logits : penalise(logits, seen, repetitionPenalty)
    if (temperature === 0) return argmax(row)
    const candidates = keepLikely(row, { temperature, topK, topP, minP })
    const total = candidates.reduce((sum, { weight }) => sum + weight, 0)
    let left = uniformFloat64(random) * total
    for (const { id, weight } of candidates) {
      left -= weight
      if (left < 0) return id
    }
    return candidates.at(-1)?.id ?? argmax(row)
  }
}

interface Candidate {
  readonly id: number
  /** Probability up to a common factor; the best token has 1. */
  readonly weight: number
}

function keepLikely(
  logits: Float32Array,
  { temperature, topK, topP, minP }: { temperature: number; topK: number; topP: number; minP: number },
): Candidate[] {
  const max = logits[argmax(logits)] ?? 0
  let kept: Candidate[] = []
  for (let id = 0; id < logits.length; id++) {
    const scaled = ((logits[id] ?? 0) - max) / temperature
    if (scaled > NEGLIGIBLE) kept.push({ id, weight: Math.exp(scaled) })
  }
  kept.sort((a, b) => b.weight - a.weight || a.id - b.id)
  if (topK > 0) kept = kept.slice(0, topK)
  if (topP < 1) {
    const target = topP * kept.reduce((sum, { weight }) => sum + weight, 0)
    let sum = 0
    const enough = kept.findIndex(({ weight }) => {
      sum += weight
      return sum >= target
    })
    if (enough >= 0) kept = kept.slice(0, enough + 1)
  }
  return minP > 0 ? kept.filter(({ weight }) => weight >= minP) : kept
}

function penalise(logits: Float32Array, seen: ReadonlySet<number>, penalty: number): Float32Array {
  const row = logits.slice()
  for (const id of seen) {
    const logit = row[id]
    if (logit !== undefined) row[id] = logit > 0 ? logit / penalty : logit * penalty
  }
  return row
}

function inRange(name: string, value: number, low: number, high: number): void {
  if (!(value >= low && value <= high)) throw badSetting(`${name} must lie between ${low} and ${high}, not ${value}`)
}

function badSetting(what: string): StatePackError {
  return new StatePackError('E_BAD_INPUT', `Sampling: ${what}.`)
}
