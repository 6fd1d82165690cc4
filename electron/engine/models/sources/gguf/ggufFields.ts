/** A model's own keys in GGUF metadata (`llama.block_count`), read by their last part. */
import { StatePackError } from '#shared/domain/error.ts'
import { MOST_LAYERS } from '../../compile/config.ts'
import type { GgufFile } from './ggufFile.ts'
import type { GgufMetadata, GgufValue } from './ggufMetadata.ts'

export class GgufFields {
  readonly architecture: string
  readonly #metadata: GgufMetadata
  readonly #file: GgufFile
  readonly #shapes: ReadonlyMap<string, readonly number[]>

  constructor(file: GgufFile) {
    this.#file = file
    this.#metadata = file.metadata
    const architecture = file.metadata.get('general.architecture')
    if (typeof architecture !== 'string') throw this.#error('general.architecture', 'is not there')
    this.architecture = architecture
    this.#shapes = new Map(file.tensors.map(({ name, shape }) => [name, shape]))
  }

  /** A number; without a fallback its absence is refused. */
  number(key: string, fallback?: number): number {
    const value = this.#get(key) ?? fallback
    if (value === undefined) throw this.#error(key, 'is not there')
    if (typeof value !== 'number' || !Number.isFinite(value)) throw this.#error(key, 'is no number')
    return value
  }

  /** A whole number from `least`, else 1, to `most`, for what is allocated by it. */
  count(key: string, limits: { readonly least?: number; readonly most: number; readonly fallback?: number }): number {
    const { least = 1, most, fallback } = limits
    const value = this.number(key, fallback)
    if (Number.isSafeInteger(value) && value >= least && value <= most) return value
    throw this.#error(key, `is ${value}, not a whole number from ${least} to ${most}`)
  }

  given(key: string): boolean {
    return this.#get(key) !== undefined
  }

  /** A number that may be absent. */
  optional(key: string): number | null {
    return this.#get(key) === undefined ? null : this.number(key)
  }

  flag(key: string): boolean {
    return this.#get(key) === true
  }

  text(key: string): string | null {
    const value = this.#get(key)
    if (value !== undefined && typeof value !== 'string') throw this.#error(key, 'is no text')
    return value ?? null
  }

  /** How many layers the file has, those included that predict further tokens. */
  get layers(): number {
    return this.count('block_count', { most: MOST_LAYERS })
  }

  /** One number for each of the {@link layers}: a list of them, or the same for all. */
  perLayer(key: string): number[] {
    const { layers } = this
    const value = this.#get(key)
    if (typeof value === 'number') return Array.from({ length: layers }, () => value)
    if (!(value instanceof Float64Array) || value.length < layers) {
      throw this.#error(key, `is not a number for each of ${layers} layers`)
    }
    return [...value.subarray(0, layers)]
  }

  /** The key must be absent or equal to `value`: the graph is made for that only. */
  must(key: string, value: number | boolean): void {
    const found = this.#get(key)
    if (found !== undefined && found !== value) throw this.#error(key, `is ${String(found)}, which is not supported`)
  }

  has(tensor: string): boolean {
    return this.#shapes.has(tensor)
  }

  /** Throws `E_MODEL_WEIGHTS` when there is no such tensor. */
  shape(tensor: string): readonly number[] {
    const shape = this.#shapes.get(tensor)
    if (shape !== undefined) return shape
    const message = `The GGUF file ${this.#file.files[0] ?? ''} has no tensor ${tensor}.`
    throw new StatePackError('E_MODEL_WEIGHTS', message, { tensor })
  }

  #get(key: string): GgufValue | undefined {
    return this.#metadata.get(`${this.architecture}.${key}`)
  }

  #error(key: string, problem: string): StatePackError {
    const field = key.includes('general.') ? key : `${this.architecture}.${key}`
    const message = `The GGUF file ${this.#file.files[0] ?? ''} cannot be used: ${field} ${problem}.`
    return new StatePackError('E_MODEL_CONFIG', message, { field })
  }
}
