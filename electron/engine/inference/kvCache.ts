import { type InferenceSession, Tensor } from 'onnxruntime-node'
import type { BufferPool } from './bufferPool.ts'
import { copyRows, firstTokens, readBlocks, type Side, writeBlocks } from './kvRows.ts'
import type { KvLayerGeometry } from './layers.ts'
import { BLOCK_TOKENS, type KvBlock } from './stateSnapshot.ts'

/** Brings a tensor to the host; tensors already there are returned as they are. */
export type Download = (tensor: Tensor) => Promise<Float32Array>

/** The contiguous buffers of a running session: one `[1, kvHeads, capacity, headDim]` pair a layer. */
interface Running {
  readonly capacity: number
  readonly layers: readonly { readonly key: Tensor; readonly value: Tensor }[]
}

const CAPACITY_STEP = 256
const GROWTH = 1.5

/**
 * Keys and values of one session: immutable 64-token blocks that forks and snapshots share, and, while the session
 * runs, contiguous buffers that the graph appends to in place. The buffers are made from the blocks at the first run
 * (so a fork costs nothing until then) and grow by half when full; their capacity has no influence on the numbers.
 */
export class KvCache {
  readonly #layers: readonly KvLayerGeometry[]
  readonly #download: Download
  readonly #pool: BufferPool
  /** Full blocks from position 0 on. Replaced, never changed, so that sharing them is sharing a reference. */
  #blocks: readonly KvBlock[] = []
  /** The tokens after the full blocks, kept only while no buffers exist. */
  #tail: KvBlock | null = null
  #running: Running | null = null
  #length = 0
  /** Bytes this cache has copied on the host: materialising, growing, sealing. A decode step adds none. */
  copiedBytes = 0

  constructor(
    layers: readonly KvLayerGeometry[],
    { download, pool }: { readonly download: Download; readonly pool: BufferPool },
    blocks: readonly KvBlock[] = [],
  ) {
    this.#layers = layers
    this.#download = download
    this.#pool = pool
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
    const old = this.#running
    if (old !== null && old.capacity >= length) return
    const wanted = Math.max(length, (old?.capacity ?? 0) * GROWTH)
    const capacity = Math.ceil(wanted / CAPACITY_STEP) * CAPACITY_STEP
    const blocks = this.#tail === null ? this.#blocks : [...this.#blocks, this.#tail]
    const layers: { key: Tensor; value: Tensor }[] = []
    for (const [index, geometry] of this.#layers.entries()) {
      const { kvHeads, headDim } = geometry
      const make = async (side: Side) => {
        const data = this.#pool.take(kvHeads * capacity * headDim)
        const previous = old?.layers[index]
        if (old !== null && previous !== undefined) {
          const from = { data: await this.#download(previous[side]), rows: old.capacity, at: 0 }
          this.copiedBytes += copyRows(geometry, from, { data, rows: capacity, at: 0 }, this.#length)
        } else {
          this.copiedBytes += writeBlocks(blocks, { geometry, index, side }, { data, rows: capacity })
        }
        return new Tensor('float32', data, [1, kvHeads, capacity, headDim])
      }
      layers.push({ key: await make('key'), value: await make('value') })
    }
    this.#running = { capacity, layers }
    this.#tail = null
    this.#release(old)
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
    this.#release(running)
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
    const running = this.#running
    if (running === null) return this.#tail === null ? this.#blocks : [...this.#blocks, this.#tail]
    const buffers: { key: Float32Array; value: Float32Array }[] = []
    const from = this.#blocks.length * BLOCK_TOKENS
    if (from === this.#length) return this.#blocks
    for (const { key, value } of running.layers) {
      buffers.push({ key: await this.#download(key), value: await this.#download(value) })
    }
    const to = this.#length
    const { blocks, bytes } = readBlocks(this.#layers, buffers, { from, to, capacity: running.capacity })
    this.copiedBytes += bytes
    const all = [...this.#blocks, ...blocks]
    this.#blocks = this.#length % BLOCK_TOKENS === 0 ? all : all.slice(0, -1)
    return all
  }

  /** Gives the contiguous buffers back and keeps the blocks: a paused session costs no more than its snapshot. */
  async park(): Promise<void> {
    const blocks = await this.blocks()
    const last = blocks.at(-1)
    this.#tail = last !== undefined && last.tokens < BLOCK_TOKENS ? last : null
    this.#release(this.#running)
    this.#running = null
  }

  /** `inUse`: a run that was not waited for may still write to the buffers, so nobody else gets them. */
  dispose({ inUse = false }: { readonly inUse?: boolean } = {}): void {
    this.#release(this.#running, inUse)
    this.#running = null
    this.#blocks = []
    this.#tail = null
    this.#length = 0
  }

  /** Buffers on the host go to the next session, those of a device back to it. */
  #release(running: Running | null, inUse = false): void {
    for (const { key, value } of running?.layers ?? []) {
      for (const tensor of [key, value]) {
        if (tensor.location !== 'cpu') tensor.dispose()
        else if (!inUse && tensor.data instanceof Float32Array) this.#pool.give(tensor.data)
      }
    }
  }
}
