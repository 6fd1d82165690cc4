import { Tensor } from 'onnxruntime-node'
import { copyRows, type KvPlace, type KvPlaceFrom, readBlock, type Side, sharedBlocks } from './kvRows.ts'
import type { KvLayerGeometry } from './layers.ts'
import { BLOCK_TOKENS, type KvBlock } from './stateSnapshot.ts'

/** Rows are many: what each has beyond its tokens is memory that others, and the sessions themselves, could have. */
const CAPACITY_STEP = 64

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

/** Keys and values of the rows of a batch: one `[room, kvHeads, capacity, headDim]` pair a layer, appended to in place. */
export class BatchKv {
  readonly #layers: readonly KvLayerGeometry[]
  /** Tokens that stand in each row: what is behind them is left over. */
  #lengths: number[] = []
  /** The full blocks in each row, from its beginning on, of whoever is there or was there last. It keeps none of them. */
  #standing: (readonly WeakRef<KvBlock>[])[] = []
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

  /** Bytes of the buffers once a state of `tokens` tokens has come in as this row. */
  bytesWith(row: number, tokens: number): number {
    const { room, capacity } = this.#sizeFor(row, tokens + 1)
    const perToken = this.#layers.reduce((sum, { kvHeads, headDim }) => sum + 2 * kvHeads * headDim, 0)
    return room * capacity * perToken * Float32Array.BYTES_PER_ELEMENT
  }

  /** Of several rows the one in which most of a state's full blocks stand. */
  rowFor(blocks: readonly KvBlock[], rows: readonly number[]): number {
    const [first = 0] = rows
    return rows.reduce((best, row) => (this.#kept(row, blocks) > this.#kept(best, blocks) ? row : best), first)
  }

  /**
   * Where the keys and values of a state that comes in as this row are to be written, with the full blocks of it: those that whoever
   * was there before had, too, stand there already.
   */
  place(row: number, tokens: number, blocks: readonly KvBlock[]): KvPlaceFrom {
    const { room, capacity } = this.#sizeFor(row, tokens + 1)
    if (room > this.#room || capacity > this.#capacity) this.#resize(room, capacity)
    const from = this.#kept(row, blocks) * BLOCK_TOKENS
    this.#lengths[row] = tokens
    this.#standing[row] = blocks.map(block => new WeakRef(block))
    return { ...this.#placeOf(row), from }
  }

  /** What was to be written to a row has not been: nothing is known to stand there. */
  forget(row: number): void {
    this.#standing[row] = []
  }

  #kept(row: number, blocks: readonly KvBlock[]): number {
    const standing = this.#standing[row] ?? []
    return sharedBlocks(
      standing.map(block => block.deref()),
      blocks,
    )
  }

  /** Puts a row in the place of another that is no longer used. */
  move(from: number, to: number): void {
    const tokens = this.#lengths[from] ?? 0
    const rows = this.#capacity
    this.#each((geometry, index, side) => {
      const there = { data: this.#row(index, side, from), rows, at: 0 }
      copyRows(geometry, there, { data: this.#row(index, side, to), rows, at: 0 }, tokens)
    })
    this.#lengths[to] = tokens
    this.#standing[to] = this.#standing[from] ?? []
  }

  /** Gives the memory back; there are no rows now. */
  free(): void {
    this.#buffers = []
    this.#lengths = []
    this.#standing = []
    this.#room = 0
    this.#capacity = 0
  }

  /**
   * Every row appends at its own position. A row that waits appends too, behind its last token, where the next token will
   * overwrite it; with a full context there is no such place, and its last token is put back afterwards.
   */
  prepare(at: StepRows, feeds: Record<string, Tensor>, outputs: Record<string, Tensor>): void {
    const slots = at.positions.map(position => Math.min(position, (at.contextLength ?? Number.POSITIVE_INFINITY) - 1))
    const rows = slots.length
    const longest = Math.max(...slots) + 1
    // A row that is alone is given one more token by the graph.
    if (longest >= this.#capacity) this.#resize(this.#room, roundUp(Math.max(longest + 1, this.#capacity * 1.5)))
    for (const [row, slot] of slots.entries()) {
      if (at.waits[row] && slot !== at.positions[row]) this.#keep(row, slot)
    }
    feeds.seqlens_k = new Tensor('int32', Int32Array.from(slots), [rows])
    feeds.total_sequence_length = new Tensor('int32', Int32Array.of(longest), [])
    for (const [index, { layer, kvHeads, headDim }] of this.#layers.entries()) {
      const dims = [rows, kvHeads, this.#capacity, headDim]
      const size = rows * kvHeads * this.#capacity * headDim
      for (const side of ['key', 'value'] as const) {
        const tensor = new Tensor('float32', this.#all(index, side).subarray(0, size), dims)
        feeds[`past_key_values.${layer}.${side}`] = tensor
        outputs[`present.${layer}.${side}`] = tensor
      }
    }
    this.#lengths = slots.map(slot => slot + 1)
  }

  finish(): void {
    for (const undo of this.#undo) undo()
    this.#undo = []
  }

  /** Positions `from` (a multiple of 64) to `to` of one row. */
  read(row: number, from: number, to: number): KvBlock[] {
    const { buffers, capacity } = this.#placeOf(row)
    const blocks: KvBlock[] = []
    for (let start = from; start < to; start += BLOCK_TOKENS) {
      const tokens = Math.min(BLOCK_TOKENS, to - start)
      blocks.push(readBlock(this.#layers, buffers, { start, tokens, capacity }).block)
    }
    return blocks
  }

  #placeOf(row: number): KvPlace {
    const buffers = this.#layers.map((_, index) => ({
      key: this.#row(index, 'key', row),
      value: this.#row(index, 'value', row),
    }))
    return { buffers, capacity: this.#capacity }
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

  #sizeFor(row: number, tokens: number): { room: number; capacity: number } {
    const room = row < this.#room ? this.#room : Math.max(2, row + 1, this.#room * 2)
    return { room, capacity: Math.max(this.#capacity, roundUp(tokens)) }
  }

  #resize(room: number, capacity: number): void {
    const [old, oldRows] = [this.#buffers, this.#capacity]
    this.#room = room
    this.#capacity = capacity
    this.#buffers = this.#layers.map(({ kvHeads, headDim }) => {
      const size = room * kvHeads * capacity * headDim
      return { key: new Float32Array(size), value: new Float32Array(size) }
    })
    // What is copied are the rows of those who were there last.
    this.#standing = this.#lengths.map((tokens, row) =>
      (this.#standing[row] ?? []).slice(0, Math.floor(tokens / BLOCK_TOKENS)),
    )
    if (oldRows === 0) return
    this.#each((geometry, index, side) => {
      const size = geometry.kvHeads * oldRows * geometry.headDim
      for (const [row, tokens] of this.#lengths.entries()) {
        const data = old[index]?.[side].subarray(row * size, (row + 1) * size)
        if (data === undefined) continue
        const to = { data: this.#row(index, side, row), rows: capacity, at: 0 }
        copyRows(geometry, { data, rows: oldRows, at: 0 }, to, tokens)
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

function roundUp(tokens: number): number {
  return Math.ceil(tokens / CAPACITY_STEP) * CAPACITY_STEP
}
