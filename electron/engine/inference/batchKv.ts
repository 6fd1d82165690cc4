import { Tensor } from 'onnxruntime-node'
import { copyRows, readBlocks, type Side, writeBlocks } from './kvRows.ts'
import type { KvLayerGeometry } from './layers.ts'
import type { KvBlock, StateSnapshot } from './stateSnapshot.ts'

const CAPACITY_STEP = 256

interface Buffers {
  readonly key: Float32Array
  readonly value: Float32Array
}

/** Keys and values of a batch: one `[rows, kvHeads, capacity, headDim]` pair a layer, appended to in place. */
export class BatchKv {
  readonly #layers: readonly KvLayerGeometry[]
  readonly #rows: number
  #capacity: number
  #buffers: readonly Buffers[]
  /** Puts back what a waiting row's pretended token overwrote. */
  #undo: (() => void)[] = []

  constructor(layers: readonly KvLayerGeometry[], states: readonly StateSnapshot[]) {
    this.#layers = layers
    this.#rows = states.length
    this.#capacity = roundUp(Math.max(...states.map(({ position }) => position)) + 1)
    this.#buffers = this.#allocate()
    for (const [row, { blocks }] of states.entries()) {
      this.#each((geometry, index, side) => {
        const to = { data: this.#row(index, side, row), rows: this.#capacity }
        writeBlocks(blocks, { geometry, index, side }, to)
      })
    }
  }

  /**
   * Every row appends at its own position. A row that waits appends too, behind its last token, where the next token will
   * overwrite it; with a full context there is no such place, and its last token is put back afterwards.
   */
  prepare(
    at: { positions: readonly number[]; waits: readonly boolean[]; contextLength: number | null },
    feeds: Record<string, Tensor>,
    outputs: Record<string, Tensor>,
  ): void {
    const slots = at.positions.map(position => Math.min(position, (at.contextLength ?? Number.POSITIVE_INFINITY) - 1))
    for (const [row, slot] of slots.entries()) {
      if (at.waits[row] && slot !== at.positions[row]) this.#keep(row, slot)
    }
    const longest = Math.max(...slots) + 1
    if (longest > this.#capacity) this.#grow(longest)
    feeds.seqlens_k = new Tensor('int32', Int32Array.from(slots), [this.#rows])
    feeds.total_sequence_length = new Tensor('int32', Int32Array.of(longest), [])
    for (const [index, { layer, kvHeads, headDim }] of this.#layers.entries()) {
      const buffers = this.#buffers[index]
      if (buffers === undefined) continue
      for (const side of ['key', 'value'] as const) {
        const tensor = new Tensor('float32', buffers[side], [this.#rows, kvHeads, this.#capacity, headDim])
        feeds[`past_key_values.${layer}.${side}`] = tensor
        outputs[`present.${layer}.${side}`] = tensor
      }
    }
  }

  finish(): void {
    for (const undo of this.#undo) undo()
    this.#undo = []
  }

  /** Positions `from` to `to` of one row. */
  read(row: number, from: number, to: number): KvBlock[] {
    const buffers = this.#layers.map((_, index) => ({
      key: this.#row(index, 'key', row),
      value: this.#row(index, 'value', row),
    }))
    return readBlocks(this.#layers, buffers, { from, to, capacity: this.#capacity }).blocks
  }

  #keep(row: number, slot: number): void {
    this.#each((geometry, index, side) => {
      const data = this.#row(index, side, row)
      const saved = { data: new Float32Array(geometry.kvHeads * geometry.headDim), rows: 1, at: 0 }
      const place = { data, rows: this.#capacity, at: slot }
      copyRows(geometry, place, saved, 1)
      this.#undo.push(() => copyRows(geometry, saved, place, 1))
    })
  }

  #grow(length: number): void {
    const [old, rows] = [this.#buffers, this.#capacity]
    this.#capacity = roundUp(Math.max(length, rows * 1.5))
    this.#buffers = this.#allocate()
    this.#each((geometry, index, side) => {
      for (let row = 0; row < this.#rows; row++) {
        const size = geometry.kvHeads * rows * geometry.headDim
        const data = old[index]?.[side].subarray(row * size, (row + 1) * size)
        if (data === undefined) continue
        copyRows(
          geometry,
          { data, rows, at: 0 },
          { data: this.#row(index, side, row), rows: this.#capacity, at: 0 },
          rows,
        )
      }
    })
  }

  #allocate(): Buffers[] {
    return this.#layers.map(({ kvHeads, headDim }) => {
      const size = this.#rows * kvHeads * this.#capacity * headDim
      return { key: new Float32Array(size), value: new Float32Array(size) }
    })
  }

  /** One row of one layer, `[kvHeads, capacity, headDim]`. */
  #row(index: number, side: Side, row: number): Float32Array {
    const all = this.#buffers[index]?.[side] ?? new Float32Array(0)
    const size = all.length / this.#rows
    return all.subarray(row * size, (row + 1) * size)
  }

  #each(visit: (geometry: KvLayerGeometry, index: number, side: Side) => void): void {
    for (const [index, geometry] of this.#layers.entries()) {
      visit(geometry, index, 'key')
      visit(geometry, index, 'value')
    }
  }
}

function roundUp(length: number): number {
  return Math.ceil(length / CAPACITY_STEP) * CAPACITY_STEP
}
