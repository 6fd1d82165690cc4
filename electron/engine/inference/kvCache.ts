import { type InferenceSession, Tensor } from 'onnxruntime-node'
import type { KvLayerGeometry } from './layers.ts'
import { BLOCK_TOKENS, type KvBlock, type KvLayerBlock } from './stateSnapshot.ts'

/** Brings a tensor to the host; tensors already there are returned as they are. */
export type Download = (tensor: Tensor) => Promise<Float32Array>

/** The contiguous buffers of a running session: one `[1, kvHeads, capacity, headDim]` pair a layer. */
interface Running {
  readonly capacity: number
  readonly layers: readonly { readonly key: Tensor; readonly value: Tensor }[]
}

const CAPACITY_STEP = 256

/**
 * Keys and values of one session: immutable 64-token blocks that forks and snapshots share, and, while the session
 * runs, contiguous buffers that the graph appends to in place. The buffers are made from the blocks at the first run
 * (so a fork costs nothing until then) and double when full; their capacity has no influence on the numbers.
 */
export class KvCache {
  readonly #layers: readonly KvLayerGeometry[]
  readonly #download: Download
  /** Full blocks from position 0 on. Replaced, never changed, so that sharing them is sharing a reference. */
  #blocks: readonly KvBlock[] = []
  /** The tokens after the full blocks, kept only while no buffers exist. */
  #tail: KvBlock | null = null
  #running: Running | null = null
  #length = 0
  /** Bytes this cache has copied on the host: materialising, growing, sealing. A decode step adds none. */
  copiedBytes = 0

  constructor(layers: readonly KvLayerGeometry[], download: Download, blocks: readonly KvBlock[] = []) {
    this.#layers = layers
    this.#download = download
    const last = blocks.at(-1)
    if (last === undefined) return
    const partial = last.tokens < BLOCK_TOKENS
    this.#blocks = partial ? blocks.slice(0, -1) : blocks
    this.#tail = partial ? last : null
    this.#length = last.start + last.tokens
  }

  get length(): number {
    return this.#length
  }

  /** Makes room for `length` tokens in the contiguous buffers. */
  async reserve(length: number): Promise<void> {
    if (this.#running !== null && this.#running.capacity >= length) return
    let capacity = CAPACITY_STEP
    while (capacity < length) capacity *= 2
    const old = this.#running
    const layers: { key: Tensor; value: Tensor }[] = []
    for (const [index, { kvHeads, headDim }] of this.#layers.entries()) {
      const make = async (side: 'key' | 'value') => {
        const data = new Float32Array(kvHeads * capacity * headDim)
        const previous = old?.layers[index]
        if (old !== null && previous !== undefined) {
          const source = await this.#download(previous[side])
          this.#copyRows(
            { source, from: 0, sourceRows: old.capacity, target: data, at: 0, targetRows: capacity },
            index,
          )
        } else {
          this.#fill(data, capacity, index, side)
        }
        return new Tensor('float32', data, [1, kvHeads, capacity, headDim])
      }
      layers.push({ key: await make('key'), value: await make('value') })
    }
    this.#running = { capacity, layers }
    this.#tail = null
    release(old)
  }

  /** Adds the buffers to a run's inputs and to its outputs: the graph appends to them in place. */
  addTo(feeds: Record<string, Tensor>, outputs: Record<string, Tensor>): void {
    for (const [index, { layer }] of this.#layers.entries()) {
      const tensors = this.#running?.layers[index]
      if (tensors === undefined) continue
      feeds[`past_key_values.${layer}.key`] = tensors.key
      feeds[`past_key_values.${layer}.value`] = tensors.value
      outputs[`present.${layer}.key`] = tensors.key
      outputs[`present.${layer}.value`] = tensors.value
    }
  }

  /** After a run: the cache holds `length` tokens. A device returns new tensors; the host has written to the buffers. */
  adopt(results: InferenceSession.ReturnType | null, length: number): void {
    this.#length = length
    const running = this.#running
    if (results === null || running === null) return
    const layers = this.#layers.map(({ layer }) => {
      const key = results[`present.${layer}.key`]
      const value = results[`present.${layer}.value`]
      if (key === undefined || value === undefined) throw new Error(`the graph returned no keys of layer ${layer}`)
      return { key, value }
    })
    release(running)
    this.#running = { capacity: running.capacity, layers }
  }

  /** Forgets everything from `length` on. */
  truncate(length: number): void {
    if (length >= this.#length) return
    const full = Math.floor(length / BLOCK_TOKENS)
    const cut = this.#running === null && length % BLOCK_TOKENS > 0 ? (this.#blocks[full] ?? this.#tail) : null
    this.#blocks = this.#blocks.length > full ? this.#blocks.slice(0, full) : this.#blocks
    this.#tail = cut === null ? null : firstTokens(cut, length - cut.start)
    this.#length = length
  }

  /**
   * The whole cache as immutable blocks. Copies what has been added since the last call (and the unfinished block),
   * not the context.
   */
  async blocks(): Promise<readonly KvBlock[]> {
    if (this.#running === null) return this.#tail === null ? this.#blocks : [...this.#blocks, this.#tail]
    const sealed = this.#blocks.length * BLOCK_TOKENS
    const { tail, full } = await this.#read(this.#running, sealed)
    if (full.length > 0) this.#blocks = [...this.#blocks, ...full]
    return tail === null ? this.#blocks : [...this.#blocks, tail]
  }

  /** Gives the contiguous buffers back and keeps the blocks: a paused session costs no more than its snapshot. */
  async park(): Promise<void> {
    const blocks = await this.blocks()
    const last = blocks.at(-1)
    this.#tail = last !== undefined && last.tokens < BLOCK_TOKENS ? last : null
    release(this.#running)
    this.#running = null
  }

  dispose(): void {
    release(this.#running)
    this.#running = null
    this.#blocks = []
    this.#tail = null
    this.#length = 0
  }

  /** Reads positions `from`..length of the buffers into new blocks. */
  async #read(running: Running, from: number): Promise<{ full: KvBlock[]; tail: KvBlock | null }> {
    const starts: number[] = []
    for (let start = from; start < this.#length; start += BLOCK_TOKENS) starts.push(start)
    if (starts.length === 0) return { full: [], tail: null }
    const perBlock: KvLayerBlock[][] = starts.map(() => [])
    for (const [index, { layer, kvHeads, headDim }] of this.#layers.entries()) {
      const tensors = running.layers[index]
      if (tensors === undefined) continue
      const sides = { key: await this.#download(tensors.key), value: await this.#download(tensors.value) }
      for (const [b, start] of starts.entries()) {
        const tokens = Math.min(BLOCK_TOKENS, this.#length - start)
        const read = (source: Float32Array) => {
          const target = new Float32Array(kvHeads * tokens * headDim)
          const rows = { source, from: start, sourceRows: running.capacity, target, at: 0, targetRows: tokens }
          this.#copyRows(rows, index, tokens)
          return target
        }
        perBlock[b]?.push({ layer, kvHeads, headDim, key: read(sides.key), value: read(sides.value) })
      }
    }
    const blocks = starts.map((start, b) => {
      return { start, tokens: Math.min(BLOCK_TOKENS, this.#length - start), layers: perBlock[b] ?? [] }
    })
    const last = blocks.at(-1)
    const tail = last !== undefined && last.tokens < BLOCK_TOKENS ? last : null
    return { full: tail === null ? blocks : blocks.slice(0, -1), tail }
  }

  /** Writes all blocks into a new contiguous buffer. */
  #fill(target: Float32Array, targetRows: number, index: number, side: 'key' | 'value'): void {
    for (const block of this.#tail === null ? this.#blocks : [...this.#blocks, this.#tail]) {
      const source = block.layers[index]?.[side]
      if (source === undefined) continue
      const rows = { source, from: 0, sourceRows: block.tokens, target, at: block.start, targetRows }
      this.#copyRows(rows, index, block.tokens)
    }
  }

  /** Copies token rows head by head between two `[kvHeads, rows, headDim]` arrays. */
  #copyRows(copy: RowCopy, index: number, count = this.#length): void {
    const geometry = this.#layers[index]
    if (geometry === undefined) return
    const { kvHeads, headDim } = geometry
    for (let head = 0; head < kvHeads; head++) {
      const begin = (head * copy.sourceRows + copy.from) * headDim
      const rows = copy.source.subarray(begin, begin + count * headDim)
      copy.target.set(rows, (head * copy.targetRows + copy.at) * headDim)
      this.copiedBytes += rows.byteLength
    }
  }
}

interface RowCopy {
  readonly source: Float32Array
  readonly from: number
  readonly sourceRows: number
  readonly target: Float32Array
  readonly at: number
  readonly targetRows: number
}

/** The first `tokens` tokens of a block, as a block of its own. */
function firstTokens(block: KvBlock, tokens: number): KvBlock {
  const cut = (source: Float32Array, kvHeads: number, headDim: number) => {
    const target = new Float32Array(kvHeads * tokens * headDim)
    for (let head = 0; head < kvHeads; head++) {
      const begin = head * block.tokens * headDim
      target.set(source.subarray(begin, begin + tokens * headDim), head * tokens * headDim)
    }
    return target
  }
  const layers = block.layers.map(layer => ({
    ...layer,
    key: cut(layer.key, layer.kvHeads, layer.headDim),
    value: cut(layer.value, layer.kvHeads, layer.headDim),
  }))
  return { start: block.start, tokens, layers }
}

function release(running: Running | null): void {
  for (const { key, value } of running?.layers ?? []) {
    if (key.location !== 'cpu') {
      key.dispose()
      value.dispose()
    }
  }
}
