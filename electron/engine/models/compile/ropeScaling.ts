/** Rotary frequencies from config.json, in today's layout (`rope_parameters`) and the older one (`rope_theta`, `rope_scaling`). */

import type { PositionScheme } from '../model.ts'
import type { ConfigFields } from './config.ts'
import type { RotaryFrequencies } from './rotary.ts'

export interface RopeConfig extends RotaryFrequencies {
  readonly position: PositionScheme
}

const KINDS = ['default', 'linear', 'llama3', 'yarn'] as const

/** `contextLength` is config.json's max_position_embeddings. Throws `E_MODEL_CONFIG` on a kind or field it does not know. */
export function readRope(config: ConfigFields, headDim: number, contextLength: number): RopeConfig {
  const modern = config.object('rope_parameters')
  const legacy = config.object('rope_scaling')
  const topTheta = config.number('rope_theta', 10000)
  const topPartial = config.number('partial_rotary_factor', 1)
  if (modern !== null && legacy !== null) throw config.error('rope_scaling', 'is given beside rope_parameters')
  const fields = modern ?? legacy
  if (headDim % 2 !== 0) throw config.error('head_dim', `is ${headDim}; rotary embedding needs an even one`)
  const theta = fields?.number('rope_theta', topTheta) ?? topTheta
  const partial = fields?.number('partial_rotary_factor', topPartial) ?? topPartial
  if (partial !== 1) throw config.error('partial_rotary_factor', `is ${partial}, which is not supported`)
  const kindField = fields?.any('rope_type') !== null ? 'rope_type' : 'type'
  const kind = fields?.choice(kindField, KINDS, 'default') ?? 'default'
  fields?.any('type')
  const plain = Float64Array.from({ length: headDim / 2 }, (_, pair) => theta ** ((-2 * pair) / headDim))
  const scaled =
    fields === null
      ? { frequencies: plain, magnitude: 1 }
      : SCALINGS[kind](fields, { plain, theta, headDim, contextLength })
  const parameters: Record<string, string | number | boolean | null> = {
    rope_type: kind,
    rope_theta: theta,
    head_dim: headDim,
  }
  for (const name of SCALING_FIELDS) {
    const value = fields?.any(name) ?? null
    if (typeof value === 'number' || typeof value === 'boolean') parameters[name] = value
  }
  fields?.finish()
  return {
    frequencies: Float32Array.from(scaled.frequencies),
    magnitude: scaled.magnitude,
    position: { scheme: 'rotary', parameters },
  }
}

const SCALING_FIELDS = [
  'factor',
  'low_freq_factor',
  'high_freq_factor',
  'original_max_position_embeddings',
  'attention_factor',
  'beta_fast',
  'beta_slow',
  'mscale',
  'mscale_all_dim',
  'truncate',
]

interface Base {
  readonly plain: Float64Array
  readonly theta: number
  readonly headDim: number
  readonly contextLength: number
}

type Scaling = (fields: ConfigFields, base: Base) => { frequencies: Float64Array; magnitude: number }

const SCALINGS: Readonly<Record<(typeof KINDS)[number], Scaling>> = {
  default: (_fields, { plain }) => ({ frequencies: plain, magnitude: 1 }),

  /** Positions divided by the factor. */
  linear: (fields, { plain }) => {
    const factor = fields.number('factor')
    return { frequencies: plain.map(frequency => frequency / factor), magnitude: 1 }
  },

  /** Llama 3.1: long waves divided by the factor, short ones kept, a linear blend between. */
  llama3: (fields, { plain }) => {
    const factor = fields.number('factor')
    const lowFactor = fields.number('low_freq_factor')
    const highFactor = fields.number('high_freq_factor')
    const original = fields.number('original_max_position_embeddings')
    const frequencies = plain.map(frequency => {
      const wavelength = (2 * Math.PI) / frequency
      if (wavelength > original / lowFactor) return frequency / factor
      if (wavelength < original / highFactor) return frequency
      const smooth = (original / wavelength - lowFactor) / (highFactor - lowFactor)
      return ((1 - smooth) * frequency) / factor + smooth * frequency
    })
    return { frequencies, magnitude: 1 }
  },

  /** YaRN (Peng et al. 2023): a ramp over dimensions between interpolated and original frequencies, and a temperature. */
  yarn: (fields, { plain, theta, headDim, contextLength }) => {
    const original = fields.number('original_max_position_embeddings', contextLength)
    const factor = fields.number('factor', contextLength / original)
    const betaFast = fields.number('beta_fast', 32)
    const betaSlow = fields.number('beta_slow', 1)
    const truncate = fields.flag('truncate', true)
    const mscale = fields.number('mscale', 0)
    const mscaleAll = fields.number('mscale_all_dim', 0)
    const temperature = (scale: number, weight: number) => (scale <= 1 ? 1 : 0.1 * weight * Math.log(scale) + 1)
    const computed =
      mscale !== 0 && mscaleAll !== 0
        ? temperature(factor, mscale) / temperature(factor, mscaleAll)
        : temperature(factor, 1)
    const magnitude = fields.number('attention_factor', computed)
    // The dimension whose wave turns `rotations` times within the original context.
    const dimension = (rotations: number) =>
      (headDim * Math.log(original / (rotations * 2 * Math.PI))) / (2 * Math.log(theta))
    const low = Math.max(truncate ? Math.floor(dimension(betaFast)) : dimension(betaFast), 0)
    const high = Math.min(truncate ? Math.ceil(dimension(betaSlow)) : dimension(betaSlow), headDim - 1)
    const span = high === low ? 0.001 : high - low
    const frequencies = plain.map((frequency, pair) => {
      const kept = 1 - Math.min(Math.max((pair - low) / span, 0), 1)
      return (frequency / factor) * (1 - kept) + frequency * kept
    })
    return { frequencies, magnitude }
  },
}
