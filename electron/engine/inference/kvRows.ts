/** Moves tokens between the immutable blocks of a state and the contiguous buffers of a run. */
import type { KvLayerGeometry } from './layers.ts'
import { BLOCK_TOKENS, type KvBlock, type KvLayerBlock, storedLayerBlock } from './stateSnapshot.ts'

/** A `[kvHeads, rows, headDim]` array and the row of it that is meant. */
export interface Rows<Numbers = Float32Array> {
  readonly data: Numbers
  readonly rows: number
  readonly at: number
}

export type Side = 'key' | 'value'

/** Copies `count` tokens head by head, widening or rounding (to nearest, ties to even); returns the bytes written. */
export function copyRows(
  { kvHeads, headDim }: KvLayerGeometry,
  from: Rows<Float32Array | Float16Array>,
  to: Rows<Float32Array | Float16Array>,
  count: number,
): number {
  const length = count * headDim
  for (let head = 0; head < kvHeads; head++) {
    const begin = (head * from.rows + from.at) * headDim
    const target = (head * to.rows + to.at) * headDim
    if (from.data instanceof Float16Array && to.data instanceof Float32Array)
      widen(from.data.subarray(begin, begin + length), to.data.subarray(target, target + length))
    else to.data.set(from.data.subarray(begin, begin + length), target)
  }
  return kvHeads * length * to.data.BYTES_PER_ELEMENT
}

/** The bits of the float32 of every float16. */
let widened: Uint32Array | null = null

/** A table is a third faster than the typed array's own conversion. */
function widen(from: Float16Array, to: Float32Array): void {
  widened ??= new Uint32Array(
    new Float32Array(new Float16Array(Uint16Array.from({ length: 65_536 }, (_, bits) => bits).buffer)).buffer,
  )
  const table = widened
  const source = new Uint16Array(from.buffer, from.byteOffset, from.length)
  const target = new Uint32Array(to.buffer, to.byteOffset, to.length)
  for (let i = 0; i < source.length; i++) target[i] = table[source[i] ?? 0] ?? 0
}

/** Writes one side of one layer of all blocks into a buffer, at their positions; returns the bytes written. */
export function writeBlocks(
  blocks: readonly KvBlock[],
  { geometry, index, side }: { geometry: KvLayerGeometry; index: number; side: Side },
  to: { readonly data: Float32Array; readonly rows: number },
): number {
  let bytes = 0
  for (const block of blocks) {
    const layer = block.layers[index]
    if (layer === undefined) continue
    const from = { data: (layer.halves ?? layer)[side], rows: block.tokens, at: 0 }
    bytes += copyRows(geometry, from, { ...to, at: block.start }, block.tokens)
  }
  return bytes
}

/**
 * Positions `from` (a multiple of 64) to `to` of contiguous buffers as blocks of their own; the last may be partial.
 * `rounded`: as float16, without a float32 copy in between.
 */
export function readBlocks(
  layers: readonly KvLayerGeometry[],
  buffers: readonly { readonly key: Float32Array; readonly value: Float32Array }[],
  { from, to, capacity, rounded = false }: { from: number; to: number; capacity: number; rounded?: boolean },
): { blocks: KvBlock[]; bytes: number } {
  let bytes = 0
  const blocks: KvBlock[] = []
  for (let start = from; start < to; start += BLOCK_TOKENS) {
    const tokens = Math.min(BLOCK_TOKENS, to - start)
    const read: KvLayerBlock[] = []
    for (const [index, geometry] of layers.entries()) {
      const { layer, kvHeads, headDim } = geometry
      const side = <Numbers extends Float32Array | Float16Array>(name: Side, data: Numbers): Numbers => {
        const source = buffers[index]?.[name]
        if (source === undefined) throw new Error(`there is no buffer for layer ${layer}`)
        bytes += copyRows(geometry, { data: source, rows: capacity, at: start }, { data, rows: tokens, at: 0 }, tokens)
        return data
      }
      const size = kvHeads * tokens * headDim
      const shape = { layer, kvHeads, headDim }
      read.push(
        rounded
          ? storedLayerBlock(shape, {
              key: side('key', new Float16Array(size)),
              value: side('value', new Float16Array(size)),
            })
          : {
              ...shape,
              key: side('key', new Float32Array(size)),
              value: side('value', new Float32Array(size)),
            },
      )
    }
    blocks.push({ start, tokens, layers: read })
  }
  return { blocks, bytes }
}

/** The first `tokens` tokens of a block, as a block of its own. */
export function firstTokens(block: KvBlock, tokens: number): KvBlock {
  const layers = block.layers.map(layer => {
    const geometry = { kind: 'kv' as const, ...layer }
    const cut = (source: Float32Array) => {
      const data = new Float32Array(layer.kvHeads * tokens * layer.headDim)
      copyRows(geometry, { data: source, rows: block.tokens, at: 0 }, { data, rows: tokens, at: 0 }, tokens)
      return data
    }
    return { ...layer, key: cut(layer.key), value: cut(layer.value) }
  })
  return { start: block.start, tokens, layers }
}
