/** Moves tokens between the immutable blocks of a state and the contiguous buffers of a run. */
import type { KvLayerGeometry } from './layers.ts'
import { BLOCK_TOKENS, type KvBlock, type KvLayerBlock } from './stateSnapshot.ts'

/** A `[kvHeads, rows, headDim]` array and the row of it that is meant. */
export interface Rows<Numbers = Float32Array> {
  readonly data: Numbers
  readonly rows: number
  readonly at: number
}

export type Side = 'key' | 'value'

/** Copies `count` tokens head by head, widening float16; returns the bytes written. */
export function copyRows(
  { kvHeads, headDim }: KvLayerGeometry,
  from: Rows<Float32Array | Float16Array>,
  to: Rows,
  count: number,
): number {
  for (let head = 0; head < kvHeads; head++) {
    const begin = (head * from.rows + from.at) * headDim
    to.data.set(from.data.subarray(begin, begin + count * headDim), (head * to.rows + to.at) * headDim)
  }
  return kvHeads * count * headDim * Float32Array.BYTES_PER_ELEMENT
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

/** Positions `from` (a multiple of 64) to `to` of contiguous buffers as blocks of their own; the last may be partial. */
export function readBlocks(
  layers: readonly KvLayerGeometry[],
  buffers: readonly { readonly key: Float32Array; readonly value: Float32Array }[],
  { from, to, capacity }: { from: number; to: number; capacity: number },
): { blocks: KvBlock[]; bytes: number } {
  let bytes = 0
  const blocks: KvBlock[] = []
  for (let start = from; start < to; start += BLOCK_TOKENS) {
    const tokens = Math.min(BLOCK_TOKENS, to - start)
    const read: KvLayerBlock[] = []
    for (const [index, geometry] of layers.entries()) {
      const { layer, kvHeads, headDim } = geometry
      const side = (name: Side) => {
        const data = new Float32Array(kvHeads * tokens * headDim)
        const source = buffers[index]?.[name] ?? data
        bytes += copyRows(geometry, { data: source, rows: capacity, at: start }, { data, rows: tokens, at: 0 }, tokens)
        return data
      }
      read.push({ layer, kvHeads, headDim, key: side('key'), value: side('value') })
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
