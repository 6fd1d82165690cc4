/** Moves tokens between the immutable blocks of a state and the contiguous buffers of a run. */
import type { KvLayerGeometry } from './layers.ts'
import { type KvBlock, type KvLayerBlock, storedLayerBlock } from './stateSnapshot.ts'

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
 * Up to 64 tokens of contiguous buffers from position `start` (a multiple of 64) as a block of its own. `rounded`: as
 * float16, without a float32 copy in between.
 */
export function readBlock(
  layers: readonly KvLayerGeometry[],
  buffers: readonly { readonly key: Float32Array; readonly value: Float32Array }[],
  { start, tokens, capacity, rounded = false }: { start: number; tokens: number; capacity: number; rounded?: boolean },
): { block: KvBlock; bytes: number } {
  let bytes = 0
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
  return { block: { start, tokens, layers: read }, bytes }
}

/** The first `tokens` tokens of a block, as a block of its own. */
export function firstTokens(block: KvBlock, tokens: number): KvBlock {
  const layers = block.layers.map(layer => {
    const { kvHeads, headDim, halves } = layer
    const shape = { layer: layer.layer, kvHeads, headDim }
    const size = kvHeads * tokens * headDim
    const cut = <Numbers extends Float32Array | Float16Array>(source: Numbers, data: Numbers): Numbers => {
      const from = { data: source, rows: block.tokens, at: 0 }
      copyRows({ kind: 'kv', ...shape }, from, { data, rows: tokens, at: 0 }, tokens)
      return data
    }
    // What is in halves stays so: widening a part of a block would keep all of it widened.
    if (halves !== undefined) {
      const [key, value] = [new Float16Array(size), new Float16Array(size)]
      return storedLayerBlock(shape, { key: cut(halves.key, key), value: cut(halves.value, value) })
    }
    const [key, value] = [new Float32Array(size), new Float32Array(size)]
    return { ...shape, key: cut(layer.key, key), value: cut(layer.value, value) }
  })
  return { start: block.start, tokens, layers }
}
