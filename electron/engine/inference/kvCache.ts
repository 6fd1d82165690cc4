import type { InferenceSession, Tensor } from 'onnxruntime-node'
import type { StateDtype } from '#shared/domain/cartridge.ts'
import { roundInPlace } from './float16.ts'
import { type HotBuffers, type HotSet, release, takeOutLost } from './hotBuffers.ts'
import { copySet, type Download, fillSet, onHost, type WriteRows } from './hotNumbers.ts'
import { firstTokens, type KvPlace, type KvPlaceFrom, readBlock, writeBlocks } from './kvRows.ts'
import type { KvLayerGeometry } from './layers.ts'
import { LentBlock } from './lentBlock.ts'
import { roundTripBlock } from './stateCodec.ts'
import { BLOCK_TOKENS, type BlockSink, type KvBlock } from './stateSnapshot.ts'

const GROWTH = 1.5
/** Buffers have room for so many tokens more than are read into them: growing copies the context, and a state is mostly asked. */
const ANSWER_TOKENS = 32

/**
 * Keys and values of one session: immutable 64-token blocks that forks and snapshots share, and, while the session
 * runs, contiguous buffers that the graph appends to in place. The buffers are found or made at the first run (so a fork
 * costs nothing until then), filled with the blocks that do not stand in them yet, and grow by half when full; their
 * capacity has no influence on the numbers.
 */
export class KvCache {
  readonly #layers: readonly KvLayerGeometry[]
  readonly #download: Download
  readonly #hot: HotBuffers
  readonly #label: string | undefined
  /** Full blocks from position 0 on. Replaced, never changed, so that sharing them is sharing a reference. */
  #blocks: readonly KvBlock[] = []
  /** The tokens after the full blocks, kept only while no buffers exist. */
  #tail: KvBlock | null = null
  #running: HotSet | null = null
  #length = 0
  /** Bytes this cache has copied on the host: materialising, growing, sealing. A decode step adds none. */
  copiedBytes = 0

  constructor(
    layers: readonly KvLayerGeometry[],
    {
      download,
      hot,
      label,
    }: { readonly download: Download; readonly hot: HotBuffers; readonly label?: string | undefined },
    blocks: readonly KvBlock[] = [],
  ) {
    this.#layers = layers
    this.#download = download
    this.#hot = hot
    this.#label = label
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

  /** Makes room for `length` tokens in the contiguous buffers; more than the context and one will never be needed. */
  async reserve(length: number, contextLength: number | null): Promise<void> {
    const old = this.#running
    if (old === null) {
      const blocks = this.#resting
      const most = (contextLength ?? Number.POSITIVE_INFINITY) + 1 - length
      const spare = Math.max(0, Math.min(ANSWER_TOKENS, most))
      const { set, kept } = this.#hot.take(blocks, length, { label: this.#label, spare })
      const missing = blocks.slice(kept)
      await this.#fillNew(
        set,
        missing.length === 0 ? null : (buffers, capacity) => writeBlocks(this.#layers, missing, { buffers, capacity }),
      )
      set.blocks = blocks
      this.#running = set
      this.#tail = null
      return
    }
    if (old.running.capacity >= length) return takeOutLost(old)
    const { set } = this.#hot.take(old.blocks, Math.max(length, old.running.capacity * GROWTH), {
      label: this.#label,
    })
    // What the other buffers hold already are whole blocks, so the rest is whole rows.
    const from = set.blocks.reduce((sum, { tokens }) => sum + tokens, 0)
    await this.#fillNew(set, (buffers, capacity) => this.#copy(old, { buffers, capacity }, from))
    set.blocks = old.blocks
    this.#running = set
    this.#hot.give(old)
  }

  /** Writes the cache into other buffers, from where it stands now; which, is said once its full blocks are known. */
  async copyTo(choose: (blocks: readonly KvBlock[]) => KvPlaceFrom): Promise<void> {
    const set = this.#running
    const { from, ...place } = choose(this.#blocks)
    const missing = this.#resting.filter(({ start }) => start >= from)
    this.copiedBytes += await (set === null ? writeBlocks(this.#layers, missing, place) : this.#copy(set, place, from))
  }

  /** Adds the buffers to a run's inputs and to its outputs: the graph appends to them in place. */
  addTo(feeds: Record<string, Tensor>, outputs: Record<string, Tensor>): void {
    for (const [index, { layer }] of this.#layers.entries()) {
      const tensors = this.#running?.running.layers[index]
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
    const set = this.#running
    if (results === null || set === null) return
    const layers = this.#layers.map(({ layer }) => {
      const key = results[`present.${layer}.key`]
      const value = results[`present.${layer}.value`]
      if (key === undefined || value === undefined) throw new Error(`the graph returned no keys of layer ${layer}`)
      return { key, value }
    })
    release(set.running)
    set.running = { capacity: set.running.capacity, layers }
  }

  /** Forgets everything from `length` on. */
  truncate(length: number): void {
    if (length >= this.#length) return
    const full = Math.floor(length / BLOCK_TOKENS)
    const cut = this.#running === null && length % BLOCK_TOKENS > 0 ? (this.#blocks[full] ?? this.#tail) : null
    this.#blocks = this.#blocks.length > full ? this.#blocks.slice(0, full) : this.#blocks
    this.#tail = cut === null ? null : firstTokens(cut, length - cut.start)
    this.#length = length
    const set = this.#running
    // What is read next is written over the rows from here on.
    if (set !== null) set.blocks = set.blocks.filter(({ start, tokens }) => start + tokens <= length)
  }

  /**
   * The whole cache as immutable blocks. Copies what has been added since the last call (and the unfinished block),
   * not the context.
   */
  async blocks(): Promise<readonly KvBlock[]> {
    const all = [...this.#blocks]
    for await (const block of this.#unsealed(all.length, this.#length)) all.push(block)
    if (this.#running !== null) this.#blocks = this.#length % BLOCK_TOKENS === 0 ? all : all.slice(0, -1)
    return all
  }

  /** What its buffers are counted under from now on. */
  belongTo(label: string): void {
    this.#running?.hold.use(label)
  }

  /** Its full blocks, as far as they lie in memory of their own. */
  get sealed(): readonly KvBlock[] {
    return this.#blocks
  }

  /** Whether blocks can be read while the graph runs: what it has written lies in memory that it only appends to. */
  get canFeed(): boolean {
    return this.#running?.running.layers.every(({ key }) => key.location === 'cpu') ?? false
  }

  /**
   * Gives a sink the blocks up to `end` that it does not have, each taken by it before the next is read, into the same memory. The
   * last is cut where it goes further.
   */
  async feed(sink: BlockSink, end = this.#length): Promise<void> {
    for (const block of this.#blocks.slice(sink.length)) if (block.start < end) await sink.add(cut(block, end))
    if (sink.length * BLOCK_TOKENS >= end) return
    const room = this.#running === null ? undefined : this.#hot.takeRoom()
    for await (const block of this.#unsealed(sink.length, end, room)) await sink.add(block)
    // Where a sink failed, it may read still.
    if (room !== undefined) this.#hot.giveRoom(room)
  }

  /**
   * What comes after the full blocks, from the block of this number to a position; `room`: where each of them lies until the next
   * is asked for.
   */
  async *#unsealed(from: number, end: number, room?: Float32Array): AsyncGenerator<KvBlock> {
    const set = this.#running
    if (set === null) {
      if (this.#tail !== null && this.#tail.start < end) yield cut(this.#tail, end)
      return
    }
    if (from * BLOCK_TOKENS >= end) return
    const buffers = await onHost(set, this.#download)
    for (let start = from * BLOCK_TOKENS; start < end; start += BLOCK_TOKENS) {
      const range = { start, tokens: Math.min(BLOCK_TOKENS, end - start), capacity: set.running.capacity }
      const { block, bytes } = readBlock(this.#layers, buffers, range, room)
      this.copiedBytes += bytes
      yield block
    }
  }

  /**
   * Turns its numbers, where they lie on the host, into those that a store gives back of them. It stands on these blocks from now on:
   * those that are given, and in the place of each that nobody keeps one that is lent from here.
   */
  async settle(blocks: readonly (KvBlock | null)[], dtype: StateDtype): Promise<readonly KvBlock[]> {
    const set = this.#running
    if (set === null) throw new Error('a cache that stands in no buffers has nothing to lend')
    const place = { buffers: await onHost(set, this.#download), capacity: set.running.capacity }
    const standing = set.blocks.filter((block, index) => block === blocks[index])
    set.blocks = standing
    await takeOutLost(set)
    const ranges = blocks.map((_, index) => {
      const start = index * BLOCK_TOKENS
      return { start, tokens: Math.min(BLOCK_TOKENS, this.#length - start), capacity: place.capacity }
    })
    if (dtype === 'float16') await roundInPlace(place.buffers.flatMap(({ key, value }) => [key, value]))
    else if (dtype !== 'float32') {
      for (const [index, range] of ranges.entries()) {
        if (blocks[index] !== null) continue
        const rounded = await roundTripBlock(readBlock(this.#layers, place.buffers, range).block, dtype)
        await writeBlocks(this.#layers, [rounded], place)
      }
    }
    const others = blocks.filter(block => block !== null).filter(block => !standing.includes(block))
    await writeBlocks(this.#layers, others, place)
    const lent: LentBlock[] = []
    const all = ranges.map((range, index) => {
      const given = blocks[index]
      if (given != null) return given
      const block = new LentBlock(this.#layers, place, { ...range, isHalf: dtype === 'float16' })
      lent.push(block)
      return block
    })
    set.lent = [...set.lent, ...lent.map(block => new WeakRef(block))]
    set.blocks = all
    this.#blocks = all.filter(({ tokens }) => tokens === BLOCK_TOKENS)
    return all
  }

  /** All of it as blocks, where it stands in no buffers. */
  get #resting(): readonly KvBlock[] {
    return this.#tail === null ? this.#blocks : [...this.#blocks, this.#tail]
  }

  #copy(set: HotSet, place: KvPlace, from: number): Promise<number> {
    return copySet(set, this.#download, { layers: this.#layers, place, from, to: this.#length })
  }

  /** `inUse`: a run that was not waited for may still write to the buffers, so nobody else gets them. */
  dispose({ inUse = false }: { readonly inUse?: boolean } = {}): void {
    const set = this.#running
    if (set !== null) inUse ? this.#hot.free(set) : this.#hot.give(set)
    this.#running = null
    this.#blocks = []
    this.#tail = null
    this.#length = 0
  }

  /** Writes buffers that were just taken; where that fails, they are nobody's. */
  async #fillNew(set: HotSet, write: WriteRows | null): Promise<void> {
    try {
      await takeOutLost(set)
      if (write !== null) this.copiedBytes += await fillSet(set, this.#download, write)
    } catch (error) {
      this.#hot.free(set)
      throw error
    }
  }
}

/** A block as far as it lies before `end`. */
function cut(block: KvBlock, end: number): KvBlock {
  return block.start + block.tokens > end ? firstTokens(block, end - block.start) : block
}
