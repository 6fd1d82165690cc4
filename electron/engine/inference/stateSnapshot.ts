/**
 * A model's working memory as plain numbers: what a capture returns, a restore takes and the cartridge format stores.
 * The arrays of a snapshot are never written again once it exists, so snapshots, forks and live sessions share them.
 */

/** Tokens per block of keys and values. Every block is full but the last. */
export const BLOCK_TOKENS = 64

/** Keys (already rotated) and values of one layer for the tokens of a block: `[kvHeads, tokens, headDim]`, row-major. */
export interface KvLayerBlock {
  readonly layer: number
  readonly kvHeads: number
  readonly headDim: number
  readonly key: Float32Array
  readonly value: Float32Array
}

/** Keys and values of up to 64 consecutive tokens, of every attention layer in layer order. */
export interface KvBlock {
  /** Position of the first token; a multiple of 64. */
  readonly start: number
  readonly tokens: number
  readonly layers: readonly KvLayerBlock[]
  /**
   * All of it as float16, layer by layer, keys before values, where it came from a store: `key` and `value` of the layers are
   * then widened when first asked for.
   */
  readonly halves?: Float16Array
}

/** Where the blocks of a session go as they become full: {@link Session.append}, {@link Session.captureInto}. */
export interface BlockSink {
  /** How many it has: the next one is where it goes on. */
  readonly length: number
  /** One that was given out before is the same again; the numbers of a new one lie there only until this resolves. */
  add(block: KvBlock): Promise<void>
}

type Shape = Pick<KvLayerBlock, 'layer' | 'kvHeads' | 'headDim'>

/**
 * A block as a cartridge stores it. Most are only ever copied into a run's buffers, and are widened on the way. A changed copy
 * (`{ ...block, layers }`) has no halves, so it never says two things.
 */
export function storedBlock(
  { start, tokens }: Pick<KvBlock, 'start' | 'tokens'>,
  shapes: readonly Shape[],
  halves: Float16Array,
): KvBlock {
  let end = 0
  const side = (length: number): (() => Float32Array) => {
    const begin = end
    end += length
    let wide: Float32Array | undefined
    return () => {
      wide ??= new Float32Array(halves.subarray(begin, begin + length))
      return wide
    }
  }
  const layers = shapes.map(({ layer, kvHeads, headDim }): KvLayerBlock => {
    const [key, value] = [side(kvHeads * tokens * headDim), side(kvHeads * tokens * headDim)]
    return {
      ...{ layer, kvHeads, headDim },
      get key() {
        return key()
      },
      get value() {
        return value()
      },
    }
  })
  return Object.defineProperty({ start, tokens, layers }, 'halves', { value: halves, enumerable: false })
}

/** Numbers that so many tokens of these layers are: what `halves` of a block is long. */
export function numbersIn({ layers }: { readonly layers: readonly Omit<Shape, 'layer'>[] }, tokens: number): number {
  return layers.reduce((sum, { kvHeads, headDim }) => sum + 2 * kvHeads * tokens * headDim, 0)
}

/** The recurrent state of one layer after the last token; `dims` without the batch dimension. */
export interface RecurrentLayer {
  readonly layer: number
  /** `[channels, kernel - 1]`: the last conv inputs, oldest first. */
  readonly conv: Float32Array
  readonly convDims: readonly number[]
  /** `[d_inner, state]` (Mamba) or `[heads, head_dim, state]` (Mamba-2). */
  readonly ssm: Float32Array
  readonly ssmDims: readonly number[]
}

/** A state after `position` tokens. A transformer has blocks only, a Mamba recurrent layers only, a hybrid both. */
export interface StateSnapshot {
  readonly kind: 'kv' | 'ssm' | 'hybrid'
  /** Tokens the state has read; the next token has this position. */
  readonly position: number
  readonly blocks: readonly KvBlock[]
  readonly recurrent: readonly RecurrentLayer[]
  /** Whose it is: what memory that runs on it is counted under. */
  readonly label?: string
}
