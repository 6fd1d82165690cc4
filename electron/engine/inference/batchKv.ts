import { Tensor } from 'onnxruntime-node'
import { copyRows, type LayerBuffers, readBlock, type Side, writeBlocks } from './kvRows.ts'
import type { KvLayerGeometry } from './layers.ts'
import { BLOCK_TOKENS, type KvBlock, type StateSnapshot } from './stateSnapshot.ts'

const CAPACITY_STEP = 256

interface Buffers {
  readonly key: Float32Array
  readonly value: Float32Array
}

/** How a step finds the rows: their positions, and which of them only wait. */
export interface StepRows {
  readonly positions: readonly number[]
  readonly waits: readonly boolean[]
  readonly contextLength: number | null
}

/**
 * Keys and values of the rows of a batch: one `[room, kvHeads, capacity, headDim]` pair a layer, of which the first rows
 * are in use, appended to in place. A row that leaves is replaced by the last one.
 */
export class BatchKv {
  readonly #layers: readonly KvLayerGeometry[]
  #rows = 0
  #room = 0
  #capacity = 0
  #buffers: readonly Buffers[] = []
  /** Puts back what a waiting row's pretended token overwrote. */
  #undo: (() => void)[] = []

  constructor(layers: readonly KvLayerGeometry[]) {
    this.#layers = layers
  }

  /** Bytes of the buffers. */
  get bytes(): number {
    return this.#buffers.reduce((sum, { key, value }) => sum + key.byteLength + value.byteLength, 0)
  }

  /** Bytes of the buffers once a state of `position` tokens has come in. */
  bytesWith(position: number): number {
    const room = this.#rows === this.#room ? Math.max(2, this.#room * 2) : this.#room
    const capacity = Math.ceil(Math.max(position + 1, this.#capacity) / CAPACITY_STEP) * CAPACITY_STEP
    const perToken = this.#layers.reduce((sum, { kvHeads, headDim }) => sum + 2 * kvHeads * headDim, 0)
    return room * capacity * perToken * Float32Array.BYTES_PER_ELEMENT
  }

  /** Takes a state in as the last row. */
  async add({ blocks, position }: StateSnapshot): Promise<void> {
    if (this.#rows === this.#room || position + 1 > this.#capacity) {
      const room = this.#rows === this.#room ? Math.max(2, this.#room * 2) : this.#room
      this.#resize(room, Math.max(position + 1, this.#capacity))
    }
    await writeBlocks(this.#layers, blocks, { buffers: this.#buffersOf(this.#rows), capacity: this.#capacity })
    this.#rows += 1
  }

  /** Lets a row go; the last row takes its place. */
  remove(row: number): void {
    const last = this.#rows - 1
    if (row !== last) {
      this.#each((_, index, side) => this.#row(index, side, row).set(this.#row(index, side, last)))
    }
    this.#rows = last
  }

  /**
   * Every row appends at its own position. A row that waits appends too, behind its last token, where the next token will
   * overwrite it; with a full context there is no such place, and its last token is put back afterwards.
   */
  prepare(at: StepRows, feeds: Record<string, Tensor>, outputs: Record<string, Tensor>): void {
    const slots = at.positions.map(position => Math.min(position, (at.contextLength ?? Number.POSITIVE_INFINITY) - 1))
    const longest = Math.max(...slots) + 1
    if (longest > this.#capacity) this.#resize(this.#room, Math.max(longest, this.#capacity * 1.5))
    for (const [row, slot] of slots.entries()) {
      if (at.waits[row] && slot !== at.positions[row]) this.#keep(row, slot)
    }
    feeds.seqlens_k = new Tensor('int32', Int32Array.from(slots), [this.#rows])
    feeds.total_sequence_length = new Tensor('int32', Int32Array.of(longest), [])
    for (const [index, { layer, kvHeads, headDim }] of this.#layers.entries()) {
      const dims = [this.#rows, kvHeads, this.#capacity, headDim]
      const size = this.#rows * kvHeads * this.#capacity * headDim
      for (const side of ['key', 'value'] as const) {
        const tensor = new Tensor('float32', this.#all(index, side).subarray(0, size), dims)
        feeds[`past_key_values.${layer}.${side}`] = tensor
        outputs[`present.${layer}.${side}`] = tensor
      }
    }
  }

  finish(): void {
    for (const undo of this.#undo) undo()
    this.#undo = []
  }

  /** Positions `from` (a multiple of 64) to `to` of one row. */
  read(row: number, from: number, to: number): KvBlock[] {
    const buffers = this.#buffersOf(row)
    const blocks: KvBlock[] = []
    for (let start = from; start < to; start += BLOCK_TOKENS) {
      const tokens = Math.min(BLOCK_TOKENS, to - start)
      blocks.push(readBlock(this.#layers, buffers, { start, tokens, capacity: this.#capacity }).block)
    }
    return blocks
  }

  #buffersOf(row: number): LayerBuffers[] {
    return this.#layers.map((_, index) => ({
      key: this.#row(index, 'key', row),
      value: this.#row(index, 'value', row),
    }))
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

  #resize(room: number, length: number): void {
    const [old, oldRows] = [this.#buffers, this.#capacity]
    this.#room = room
    this.#capacity = Math.ceil(length / CAPACITY_STEP) * CAPACITY_STEP
    this.#buffers = this.#layers.map(({ kvHeads, headDim }) => {
      const size = room * kvHeads * this.#capacity * headDim
      return { key: new Float32Array(size), value: new Float32Array(size) }
    })
    this.#each((geometry, index, side) => {
      for (let row = 0; row < this.#rows; row++) {
        const size = geometry.kvHeads * oldRows * geometry.headDim
        const data = old[index]?.[side].subarray(row * size, (row + 1) * size)
        if (data === undefined) continue
        const from = { data, rows: oldRows, at: 0 }
        copyRows(geometry, from, { data: this.#row(index, side, row), rows: this.#capacity, at: 0 }, oldRows)
      }
    })
  }

  #all(index: number, side: Side): Float32Array {
    return this.#buffers[index]?.[side] ?? new Float32Array(0)
  }

  /** One row of one layer, `[kvHeads, capacity, headDim]`. */
  #row(index: number, side: Side, row: number): Float32Array {
    const { kvHeads = 0, headDim = 0 } = this.#layers[index] ?? {}
    const size = kvHeads * this.#capacity * headDim
    return this.#all(index, side).subarray(row * size, (row + 1) * size)
  }

  #each(visit: (geometry: KvLayerGeometry, index: number, side: Side) => void): void {
    for (const [index, geometry] of this.#layers.entries()) {
      visit(geometry, index, 'key')
      visit(geometry, index, 'value')
    }
  }
}
