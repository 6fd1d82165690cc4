/** Moves tokens between the immutable blocks of a state and the contiguous buffers of a run. */

import { unwrittenFloats } from '../unwritten.ts'
import { widenNumbers } from './float16.ts'
import type { KvLayerGeometry } from './layers.ts'
import { type KvBlock, type KvLayerBlock, numbersIn, storedBlock } from './stateSnapshot.ts'

/** A `[kvHeads, rows, headDim]` array and the row of it that is meant. */
interface Rows<Numbers> {
  readonly data: Numbers
  readonly rows: number
  readonly at: number
}

const SIDES = ['key', 'value'] as const
export type Side = (typeof SIDES)[number]

/** The contiguous buffers of a run on the host, of one layer. */
export type LayerBuffers = Readonly<Record<Side, Float32Array>>

/** Buffers of all layers, `capacity` rows each. */
export interface KvPlace {
  readonly buffers: readonly LayerBuffers[]
  readonly capacity: number
}

/** A place in which the first tokens stand already. */
export interface KvPlaceFrom extends KvPlace {
  /** Tokens of whole blocks. */
  readonly from: number
}

/**
 * How many blocks two states begin with alike. They are compared by reference: whoever has the same numbers is given the same blocks.
 * undefined: one that nobody has any more, so it is none of the other state's.
 */
export function sharedBlocks(a: readonly (KvBlock | undefined)[], b: readonly KvBlock[]): number {
  let count = 0
  while (count < a.length && count < b.length && a[count] === b[count]) count++
  return count
}

/** Copies `count` tokens head by head; returns the bytes written. */
export function copyRows<Numbers extends Float32Array | Float16Array>(
  { kvHeads, headDim }: KvLayerGeometry,
  from: Rows<Numbers>,
  to: Rows<Numbers>,
  count: number,
): number {
  const length = count * headDim
  for (let head = 0; head < kvHeads; head++) {
    const begin = (head * from.rows + from.at) * headDim
    to.data.set(from.data.subarray(begin, begin + length), (head * to.rows + to.at) * headDim)
  }
  return kvHeads * length * to.data.BYTES_PER_ELEMENT
}

/** Numbers that are widened at once, where a block alone has fewer: each turn of the runtime takes a while to begin. */
const WIDENED_AT_ONCE = 2 ** 19
/** And no more than this part of all there are: what is widened lies in memory twice meanwhile. */
const WIDENED_PART = 1 / 16

/** Writes blocks into the buffers of a run, `capacity` rows each, at their positions; returns the bytes written. */
export async function writeBlocks(
  layers: readonly KvLayerGeometry[],
  blocks: readonly KvBlock[],
  { buffers, capacity }: KvPlace,
): Promise<number> {
  let bytes = 0
  const write = ({ start, tokens, layers: given }: KvBlock, wide: Float32Array | null) => {
    let at = 0
    for (const [index, geometry] of layers.entries()) {
      const size = geometry.kvHeads * tokens * geometry.headDim
      for (const side of SIDES) {
        const data = wide === null ? given[index]?.[side] : wide.subarray(at, at + size)
        const to = buffers[index]?.[side]
        at += size
        if (data === undefined || to === undefined) throw new Error(`there is no ${side} of layer ${geometry.layer}`)
        bytes += copyRows(geometry, { data, rows: tokens, at: 0 }, { data: to, rows: capacity, at: start }, tokens)
      }
    }
  }
  const groups = inGroups(blocks)
  // Before anything is waited for: what is lent may be taken out meanwhile, and is in halves then.
  for (const block of blocks) if (block.halves === undefined) write(block, null)
  let room = new Float32Array(0)
  for (const group of groups) {
    const numbers = group.reduce((sum, { halves }) => sum + halves.length, 0)
    if (room.length < numbers) room = unwrittenFloats(numbers)
    const wide = room.subarray(0, numbers)
    await widenNumbers(joined(group, numbers), wide)
    let at = 0
    for (const { block, halves } of group) {
      write(block, wide.subarray(at, at + halves.length))
      at += halves.length
    }
  }
  return bytes
}

interface Halves {
  readonly block: KvBlock
  readonly halves: Float16Array
}

/**
 * The blocks that are in halves, so many together that each group but the last has {@link WIDENED_AT_ONCE} numbers, or
 * {@link WIDENED_PART} of all.
 */
function inGroups(blocks: readonly KvBlock[]): Halves[][] {
  const all = blocks.reduce((sum, { halves }) => sum + (halves?.length ?? 0), 0)
  const atOnce = Math.min(WIDENED_AT_ONCE, all * WIDENED_PART)
  const groups: Halves[][] = []
  let room = 0
  for (const block of blocks) {
    const { halves } = block
    if (halves === undefined) continue
    if (room <= 0) {
      groups.push([])
      room = atOnce
    }
    groups.at(-1)?.push({ block, halves })
    room -= halves.length
  }
  return groups
}

function joined(group: readonly Halves[], numbers: number): Float16Array {
  const [first] = group
  if (group.length === 1 && first !== undefined) return first.halves
  const all = new Float16Array(numbers)
  let at = 0
  for (const { halves } of group) {
    all.set(halves, at)
    at += halves.length
  }
  return all
}

/**
 * Up to 64 tokens of contiguous buffers from position `start` (a multiple of 64) as a block, in one array: one of its own, or the
 * beginning of `into`.
 */
export function readBlock(
  layers: readonly KvLayerGeometry[],
  buffers: readonly LayerBuffers[],
  { start, tokens, capacity }: { readonly start: number; readonly tokens: number; readonly capacity: number },
  into?: Float32Array,
): { block: KvBlock; bytes: number } {
  const numbers = numbersIn({ layers }, tokens)
  const data = into?.subarray(0, numbers) ?? unwrittenFloats(numbers)
  let end = 0
  const read = layers.map((geometry, index): KvLayerBlock => {
    const { layer, kvHeads, headDim } = geometry
    const side = (name: Side): Float32Array => {
      const source = buffers[index]?.[name]
      if (source === undefined) throw new Error(`there is no buffer for layer ${layer}`)
      const rows = data.subarray(end, end + kvHeads * tokens * headDim)
      end += rows.length
      copyRows(geometry, { data: source, rows: capacity, at: start }, { data: rows, rows: tokens, at: 0 }, tokens)
      return rows
    }
    return { layer, kvHeads, headDim, key: side('key'), value: side('value') }
  })
  return { block: { start, tokens, layers: read }, bytes: data.byteLength }
}

/** The first `tokens` tokens of a block, as a block of its own. */
export function firstTokens(block: KvBlock, tokens: number): KvBlock {
  const { start, halves } = block
  const shapes = block.layers.map(({ layer, kvHeads, headDim }) => ({ kind: 'kv' as const, layer, kvHeads, headDim }))
  // What is in halves stays so: widening a part of a block would keep all of it widened.
  if (halves !== undefined) {
    const cut = new Float16Array(numbersIn({ layers: shapes }, tokens))
    let [from, to] = [0, 0]
    for (const shape of shapes.flatMap(shape => [shape, shape])) {
      const [all, some] = [shape.kvHeads * block.tokens * shape.headDim, shape.kvHeads * tokens * shape.headDim]
      const source = { data: halves.subarray(from, from + all), rows: block.tokens, at: 0 }
      copyRows(shape, source, { data: cut.subarray(to, to + some), rows: tokens, at: 0 }, tokens)
      from += all
      to += some
    }
    return storedBlock({ start, tokens }, shapes, cut)
  }
  return { ...readBlock(shapes, block.layers, { start: 0, tokens, capacity: block.tokens }).block, start }
}
