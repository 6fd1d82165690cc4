/** Rotary frequencies from config.json, in today's layout (`rope_parameters`) and the older one (`rope_theta`, `rope_scaling`). */
import type { PositionScheme } from '../model.ts'
import { ConfigFields } from './config.ts'
import type { RotaryFrequencies } from './rotary.ts'

export interface RopeConfig extends RotaryFrequencies {
  readonly position: PositionScheme
  /**
   * Tokens up to which the model has these frequencies. `dynamic` and `longrope` take others for a longer text, also for
   * tokens that were read before: keys in a cache would be wrong, so such a text is refused.
   */
  readonly contextLength: number
}

export interface RopeGeometry {
  readonly headDim: number
  /** config.json's max_position_embeddings. */
  readonly contextLength: number
  /** Where the file gives none: those of the architecture's config class. */
  readonly theta?: number
  /** The length of the first training where the file gives none; absent: its context. */
  readonly original?: number
  /** The share of each head that is rotated; absent: all of it, and a file that says otherwise is refused. */
  readonly partial?: number
  /** The model also places images and video, in sections of each head; a text's positions are the same in all of them. */
  readonly sections?: boolean
}

/** Where the settings stand in config.json; by default where most models have them. */
export interface RopePlace {
  readonly modern: unknown
  readonly legacy: unknown
  readonly thetaName: string
}

const KINDS = ['default', 'linear', 'dynamic', 'llama3', 'yarn', 'longrope', 'su'] as const

/** Throws `E_MODEL_CONFIG` on a kind or field it does not know, and where two spellings say different things. */
export function readRope(
  config: ConfigFields,
  geometry: RopeGeometry,
  place: RopePlace = {
    modern: config.any('rope_parameters'),
    legacy: config.any('rope_scaling'),
    thetaName: 'rope_theta',
  },
): RopeConfig {
  const { headDim, contextLength } = geometry
  const fields = joinSpellings(config, place)
  const theta = agreed([fields, 'rope_theta'], [config, place.thetaName]) ?? geometry.theta ?? 10000
  const share = 'partial_rotary_factor'
  const partial = agreed([fields, share], [config, share]) ?? geometry.partial ?? 1
  if (geometry.partial === undefined && partial !== 1)
    throw config.error(share, `is ${partial}, which is not supported`)
  const rotated = Math.trunc(headDim * partial)
  if (rotated % 2 !== 0 || rotated < 2 || rotated > headDim) {
    throw config.error('head_dim', `is ${headDim}, of which ${rotated} are rotated; an even part of it is needed`)
  }
  const kind = fields.choice('rope_type', KINDS, 'default')
  fields.any('finetuned') // says how the weights were made
  if (geometry.sections === true) for (const name of ['mrope_section', 'mrope_interleaved']) fields.any(name)
  const plain = Float64Array.from({ length: rotated / 2 }, (_, pair) => theta ** ((-2 * pair) / rotated))
  const originalName = 'original_max_position_embeddings'
  const given = agreed([fields, originalName], [config, originalName])
  const original = given ?? geometry.original ?? contextLength
  const scaled = SCALINGS[kind](fields, { plain, theta, contextLength, original })
  const parameters: Record<string, string | number | boolean | null> = {
    rope_type: kind,
    rope_theta: theta,
    head_dim: headDim,
  }
  if (rotated !== headDim) parameters[share] = partial
  if (given !== null && kind !== 'default') parameters[originalName] = given
  for (const name of SCALING_FIELDS) {
    const value = fields.any(name)
    if (typeof value === 'number' || typeof value === 'boolean') parameters[name] = value
    else if (Array.isArray(value)) parameters[name] = value.join(' ')
  }
  fields.finish()
  return {
    frequencies: Float32Array.from(scaled.frequencies),
    magnitude: scaled.magnitude,
    contextLength: scaled.contextLength ?? contextLength,
    position: { scheme: 'rotary', parameters },
  }
}

/** Files for several versions of transformers carry both spellings: one setting, as long as they do not contradict each other. */
function joinSpellings(config: ConfigFields, place: RopePlace): ConfigFields {
  const modern = settings(config, 'rope_parameters', place.modern)
  const legacy = settings(config, 'rope_scaling', place.legacy)
  for (const [name, value] of Object.entries(legacy)) {
    const other = modern[name]
    if (other !== undefined && JSON.stringify(other) !== JSON.stringify(value)) {
      const [here, there] = [value, other].map(each => JSON.stringify(each))
      throw config.error('rope_scaling', `says ${name} ${here}, and rope_parameters ${there}`)
    }
  }
  const only = Object.keys(modern).length === 0 ? 'rope_scaling.' : 'rope_parameters.'
  return new ConfigFields({ ...legacy, ...modern }, only)
}

/** What is set, with the kind under one name. */
function settings(config: ConfigFields, name: string, value: unknown): Record<string, unknown> {
  if (value !== null && (typeof value !== 'object' || Array.isArray(value))) {
    throw config.error(name, `must be an object, it is ${JSON.stringify(value)}`)
  }
  const { type, ...rest } = Object.fromEntries(Object.entries({ ...value }).filter(([, each]) => each !== null))
  if (type === undefined) return rest
  if (rest.rope_type !== undefined && rest.rope_type !== type) {
    throw config.error(name, `has the type ${JSON.stringify(type)} and the rope_type ${JSON.stringify(rest.rope_type)}`)
  }
  return { ...rest, rope_type: type }
}

/** A number that may stand inside the settings, beside them, or both; null when it stands nowhere. */
function agreed(...places: readonly (readonly [fields: ConfigFields, name: string])[]): number | null {
  const found = places.filter(([fields, name]) => fields.any(name) !== null)
  const values = found.map(([fields, name]) => fields.positive(name))
  for (const [index, [fields, name]] of found.entries()) {
    if (values[index] !== values[0]) throw fields.error(name, `is ${values[index]}, elsewhere it is ${values[0]}`)
  }
  return values[0] ?? null
}

const SCALING_FIELDS = [
  'factor',
  'low_freq_factor',
  'high_freq_factor',
  'attention_factor',
  'beta_fast',
  'beta_slow',
  'mscale',
  'mscale_all_dim',
  'truncate',
  'short_factor',
  'long_factor',
]

interface Base {
  readonly plain: Float64Array
  readonly theta: number
  readonly contextLength: number
  /** The length of the first training. */
  readonly original: number
}

type Scaling = (
  fields: ConfigFields,
  base: Base,
) => { frequencies: Float64Array; magnitude: number; contextLength?: number }

const SCALINGS: Readonly<Record<(typeof KINDS)[number], Scaling>> = {
  default: (_fields, { plain }) => ({ frequencies: plain, magnitude: 1 }),

  /** Positions divided by the factor. */
  linear: (fields, { plain }) => {
    const factor = fields.positive('factor')
    return { frequencies: plain.map(frequency => frequency / factor), magnitude: 1 }
  },

  /** Up to max_position_embeddings, which stays the limit, there is no scaling. */
  dynamic: (fields, { plain, contextLength, original }) => {
    fields.positive('factor')
    if (original !== contextLength) {
      throw fields.error('original_max_position_embeddings', `is ${original}, and the context has ${contextLength}`)
    }
    return { frequencies: plain, magnitude: 1 }
  },

  /** Llama 3.1: long waves divided by the factor, short ones kept, a linear blend between. */
  llama3: (fields, { plain, original: length }) => {
    const factor = fields.positive('factor')
    const lowFactor = fields.positive('low_freq_factor')
    const highFactor = fields.positive('high_freq_factor')
    const frequencies = plain.map(frequency => {
      const wavelength = (2 * Math.PI) / frequency
      if (wavelength > length / lowFactor) return frequency / factor
      if (wavelength < length / highFactor) return frequency
      const smooth = (length / wavelength - lowFactor) / (highFactor - lowFactor)
      return ((1 - smooth) * frequency) / factor + smooth * frequency
    })
    return { frequencies, magnitude: 1 }
  },

  yarn,
  longrope,
  su: longrope,
}

/** YaRN (Peng et al. 2023): a ramp over dimensions between interpolated and original frequencies, and a temperature. */
function yarn(fields: ConfigFields, { plain, theta, contextLength, original: length }: Base): ReturnType<Scaling> {
  const rotated = 2 * plain.length
  const factor = fields.positive('factor', contextLength / length)
  const betaFast = fields.positive('beta_fast', 32)
  const betaSlow = fields.positive('beta_slow', 1)
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
    (rotated * Math.log(length / (rotations * 2 * Math.PI))) / (2 * Math.log(theta))
  const low = Math.max(truncate ? Math.floor(dimension(betaFast)) : dimension(betaFast), 0)
  const high = Math.min(truncate ? Math.ceil(dimension(betaSlow)) : dimension(betaSlow), rotated - 1)
  const span = high === low ? 0.001 : high - low
  const frequencies = plain.map((frequency, pair) => {
    const kept = 1 - Math.min(Math.max((pair - low) / span, 0), 1)
    return (frequency / factor) * (1 - kept) + frequency * kept
  })
  return { frequencies, magnitude }
}

/** LongRoPE (Ding et al. 2024): a divisor for each wave; those for short texts, which the length of the first training limits. */
function longrope(fields: ConfigFields, { plain, contextLength, original: length }: Base): ReturnType<Scaling> {
  const divisors = (name: string): number[] => {
    const list: unknown = fields.any(name)
    const numbers = Array.isArray(list) ? list.filter((n): n is number => typeof n === 'number' && n > 0) : []
    if (numbers.length !== plain.length) throw fields.error(name, `must be ${plain.length} numbers above zero`)
    return numbers
  }
  divisors('long_factor')
  const short = divisors('short_factor')
  const factor = fields.positive('factor', contextLength / length)
  const computed = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(length))
  return {
    frequencies: plain.map((frequency, pair) => frequency / (short[pair] ?? 1)),
    magnitude: fields.number('attention_factor', computed),
    contextLength: Math.min(contextLength, length),
  }
}
