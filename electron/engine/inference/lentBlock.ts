import { unwrittenFloats } from '../unwritten.ts'
import { copyRows, type KvPlace, readBlock, type Side } from './kvRows.ts'
import type { KvLayerGeometry } from './layers.ts'
import { roundTripBlock } from './stateCodec.ts'
import type { KvBlock, KvLayerBlock } from './stateSnapshot.ts'

/**
 * A block whose numbers stand in a session's buffers and nowhere else in memory: `key` and `value` are read from there. Before the
 * buffers are written again where it stands, it is taken out, and from then on has numbers of its own.
 */
export class LentBlock implements KvBlock {
  readonly start: number
  readonly tokens: number
  readonly layers: readonly KvLayerBlock[]
  readonly #geometry: readonly KvLayerGeometry[]
  readonly #isHalf: boolean
  #place: KvPlace | null
  #own: KvBlock | null = null
  #leaving: Promise<void> | null = null
  #onOwn: () => void = () => {}

  /** `isHalf`: its numbers are float16, and are that again once it is taken out. */
  constructor(
    geometry: readonly KvLayerGeometry[],
    place: KvPlace,
    { start, tokens, isHalf }: { readonly start: number; readonly tokens: number; readonly isHalf: boolean },
  ) {
    this.start = start
    this.tokens = tokens
    this.#geometry = geometry
    this.#place = place
    this.#isHalf = isHalf
    const side = (index: number, shape: KvLayerGeometry, name: Side): Float32Array => {
      const own = this.#own?.layers[index]?.[name]
      if (own !== undefined) return own
      const { buffers, capacity } = this.#standing
      const data = buffers[index]?.[name]
      if (data === undefined) throw new Error(`there is no ${name} of layer ${shape.layer}`)
      const rows = unwrittenFloats(shape.kvHeads * tokens * shape.headDim)
      copyRows(shape, { data, rows: capacity, at: start }, { data: rows, rows: tokens, at: 0 }, tokens)
      return rows
    }
    this.layers = geometry.map((shape, index) => ({
      ...{ layer: shape.layer, kvHeads: shape.kvHeads, headDim: shape.headDim },
      get key() {
        return side(index, shape, 'key')
      },
      get value() {
        return side(index, shape, 'value')
      },
    }))
  }

  get halves(): Float16Array | undefined {
    return this.#own?.halves
  }

  get isLent(): boolean {
    return this.#own === null
  }

  /** Called when it has numbers of its own. */
  set onOwn(listener: () => void) {
    this.#onOwn = listener
  }

  /** Gives it numbers of its own, the very same; the buffers are nobody's concern afterwards. */
  takeOut(): Promise<void> {
    this.#leaving ??= this.#takeOut().catch(error => {
      this.#leaving = null
      throw error
    })
    return this.#leaving
  }

  async #takeOut(): Promise<void> {
    const { buffers, capacity } = this.#standing
    const { block } = readBlock(this.#geometry, buffers, { start: this.start, tokens: this.tokens, capacity })
    this.#own = this.#isHalf ? await roundTripBlock(block, 'float16') : block
    this.#place = null
    this.#onOwn()
  }

  get #standing(): KvPlace {
    if (this.#place === null) throw new Error('a block that was taken out is no longer in its buffers')
    return this.#place
  }
}

/** Whether its numbers take no memory of their own. */
export function isLent(block: KvBlock): block is LentBlock {
  return block instanceof LentBlock && block.isLent
}
