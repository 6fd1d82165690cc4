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
  /** The same numbers as float16, where they came from a store: `key` and `value` are then widened when first asked for. */
  readonly halves?: { readonly key: Float16Array; readonly value: Float16Array }
}

/**
 * Keys and values as a cartridge stores them. Most are only ever copied into a run's buffers, and are widened on the way. A
 * changed copy (`{ ...block, key }`) has no halves, so it never says two things.
 */
export function storedLayerBlock(
  geometry: Pick<KvLayerBlock, 'layer' | 'kvHeads' | 'headDim'>,
  halves: NonNullable<KvLayerBlock['halves']>,
): KvLayerBlock {
  let key: Float32Array | undefined
  let value: Float32Array | undefined
  const block: KvLayerBlock = {
    ...geometry,
    get key() {
      key ??= new Float32Array(halves.key)
      return key
    },
    get value() {
      value ??= new Float32Array(halves.value)
      return value
    },
  }
  return Object.defineProperty(block, 'halves', { value: halves, enumerable: false })
}

/** A block with its numbers as float16: the same one where they came from a store. */
export function roundedBlock(block: KvBlock): KvBlock {
  if (block.layers.every(({ halves }) => halves !== undefined)) return block
  const layers = block.layers.map(layer =>
    storedLayerBlock(
      { layer: layer.layer, kvHeads: layer.kvHeads, headDim: layer.headDim },
      layer.halves ?? { key: new Float16Array(layer.key), value: new Float16Array(layer.value) },
    ),
  )
  return { ...block, layers }
}

/** How a store keeps blocks: what {@link Session.capture} makes of each as it takes it out. */
export interface StoreForm {
  /** Blocks are wanted as float16, where they are not blocks yet. */
  readonly rounded: boolean
  /** The block as the store will give it back. */
  block(block: KvBlock): Promise<KvBlock>
}

/** Keys and values of up to 64 consecutive tokens, of every attention layer in layer order. */
export interface KvBlock {
  /** Position of the first token; a multiple of 64. */
  readonly start: number
  readonly tokens: number
  readonly layers: readonly KvLayerBlock[]
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
