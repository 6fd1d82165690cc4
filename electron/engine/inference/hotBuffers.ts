import { Tensor } from 'onnxruntime-node'
import { unwrittenFloats } from '../unwritten.ts'
import { sharedBlocks } from './kvRows.ts'
import type { KvLayerGeometry } from './layers.ts'
import type { LentBlock } from './lentBlock.ts'
import type { MemoryTier } from './memoryTier.ts'
import { BLOCK_TOKENS, type KvBlock, numbersIn } from './stateSnapshot.ts'
import type { MemoryHold } from './tierEntry.ts'

/** The contiguous buffers of a running session: one `[1, kvHeads, capacity, headDim]` pair a layer. */
export interface Running {
  readonly capacity: number
  readonly layers: readonly { readonly key: Tensor; readonly value: Tensor }[]
}

/** Buffers and the blocks whose numbers stand in them, from position 0 on. Whoever took it changes it, nobody else. */
export interface HotSet {
  running: Running
  blocks: readonly KvBlock[]
  /** Blocks that were lent from here, as long as somebody has them. */
  lent: readonly WeakRef<LentBlock>[]
  readonly hold: MemoryHold
}

const CAPACITY_STEP = 256
/** Beyond whole steps: rows that lie a power of two of bytes apart would meet in the same sets of a processor's cache. */
const CAPACITY_BEYOND = 64

/**
 * The buffers of sessions that ended, with the blocks that are still in them: the next session on the same base goes on in
 * them and copies only what is not there. Blocks are compared by reference: they are immutable, and whoever restores the
 * same stored layers is given the same blocks. Buffers that nobody can use so are the memory of the next ones, since fresh
 * memory costs more to touch than to fill, and so are those worth least once the tier is full. Idle buffers do not keep their
 * blocks: what the tier below has given up is gone, whether or not it has been collected as garbage, and who holds it still (a checkpoint)
 * copies it again.
 *
 * What is in a buffer beyond its blocks is left over, or was never written; whoever takes one reads only what it wrote. Whoever writes to one calls
 * {@link takeOutLost} first.
 */
export class HotBuffers {
  readonly #layers: readonly KvLayerGeometry[]
  readonly #tier: MemoryTier
  readonly #label: string
  readonly #newNumbers: (length: number) => Float32Array
  /** With the blocks that stand in them; oldest first. */
  readonly #idle = new Map<HotSet, readonly WeakRef<KvBlock>[]>()
  /** Of one block, and nobody's: memory of the garbage collector's, if it needs it. */
  #room: WeakRef<ArrayBuffer> | null = null
  #closed = false

  constructor(
    layers: readonly KvLayerGeometry[],
    { tier, label, onHost }: { readonly tier: MemoryTier; readonly label: string; readonly onHost: boolean },
  ) {
    this.#layers = layers
    this.#tier = tier
    this.#label = label
    // What is sent to a device is read from its beginning to its end.
    this.#newNumbers = onHost ? unwrittenFloats : length => new Float32Array(length)
  }

  /**
   * Buffers for `rows` tokens that begin with `blocks`; new ones have room for `spare` more. `kept` says how many of the blocks
   * stand in them already. The set is the caller's until it is given back or freed; it is counted under `label`, the model's
   * name unless given.
   */
  take(
    blocks: readonly KvBlock[],
    rows: number,
    { label = this.#label, spare = 0 }: { readonly label?: string | undefined; readonly spare?: number } = {},
  ): { set: HotSet; kept: number } {
    let best: HotSet | null = null
    let kept = 0
    for (const [set, standing] of this.#idle) {
      if (set.running.capacity < rows) continue
      const there = standing.map(block => block.deref())
      const shared = sharedBlocks(there, blocks)
      // Taking buffers for a little of what somebody can come back to would cost the rest.
      const wanted = there.filter(block => block !== undefined && this.#tier.keepsBelow(block))
      if (shared * 2 < wanted.length || (shared === 0 && set.hold.isPinned)) continue
      if (best === null || shared > kept || (shared === kept && set.running.capacity < best.running.capacity)) {
        best = set
        kept = shared
      }
    }
    if (best === null || (kept === 0 && best.running.capacity > 4 * roundUp(rows))) {
      const least = this.#leastFor(rows)
      const set = least === null ? this.#begin(this.#allocate(rows + spare), label) : this.#takeOver(least, label)
      return { set, kept: 0 }
    }
    if (kept === 0 && best.hold.label !== label) return { set: this.#takeOver(best, label), kept }
    this.#idle.delete(best)
    best.hold.use(label)
    best.blocks = blocks.slice(0, kept)
    return { set: best, kept }
  }

  /** Where one block lies while it is taken out of buffers; the caller's until it is given back. What is in it is left over. */
  takeRoom(): Float32Array<ArrayBuffer> {
    const room = this.#room?.deref()
    this.#room = null
    if (room !== undefined) return new Float32Array(room)
    return unwrittenFloats(numbersIn({ layers: this.#layers }, BLOCK_TOKENS))
  }

  /** Nobody reads it any more. */
  giveRoom({ buffer }: Float32Array<ArrayBuffer>): void {
    this.#room = new WeakRef(buffer)
  }

  /** Takes buffers back, with the blocks that still stand in them. */
  give(set: HotSet): void {
    if (this.#closed) {
      this.free(set)
      return
    }
    this.#idle.set(
      set,
      set.blocks.map(block => new WeakRef(block)),
    )
    set.blocks = []
    set.hold.rest()
  }

  /** Gives the memory itself back: to the device, or to the garbage collector. */
  free(set: HotSet): void {
    set.hold.drop()
    this.#letGo(set)
  }

  #letGo(set: HotSet): void {
    this.#idle.delete(set)
    release(set.running)
    set.blocks = []
    // Nobody writes to these buffers any more, so what was lent holds until it has been taken out, one block after the other.
    takeOutLost(set).catch(() => {})
  }

  /** Frees what is idle, and from now on whatever comes back. */
  close(): void {
    this.#closed = true
    for (const set of this.#idle.keys()) this.free(set)
  }

  #allocate(rows: number): Running {
    const capacity = roundUp(rows)
    const tensor = ({ kvHeads, headDim }: KvLayerGeometry) =>
      new Tensor('float32', this.#newNumbers(kvHeads * capacity * headDim), [1, kvHeads, capacity, headDim])
    return { capacity, layers: this.#layers.map(layer => ({ key: tensor(layer), value: tensor(layer) })) }
  }

  /** The memory of idle buffers for somebody else: what is in them is lost, which is said. */
  #takeOver(idle: HotSet, label: string): HotSet {
    idle.hold.drop(`room for ${label}`)
    this.#idle.delete(idle)
    return this.#begin(idle.running, label, idle.lent)
  }

  /** Where new buffers would not fit into the tier beside those that are idle: the ones worth least. */
  #leastFor(rows: number): HotSet | null {
    if (this.#tier.hasRoom(this.#bytesOf(roundUp(rows)))) return null
    let least: HotSet | null = null
    for (const set of this.#idle.keys()) {
      const { capacity } = set.running
      if (capacity < rows || capacity > 4 * roundUp(rows)) continue
      if (set.hold.worth() < (least?.hold.worth() ?? Number.POSITIVE_INFINITY)) least = set
    }
    return least
  }

  #begin(running: Running, label: string, lent: HotSet['lent'] = []): HotSet {
    const { capacity } = running
    const hold = this.#tier.hold(
      {
        ...{ label, bytes: this.#bytesOf(capacity), cost: capacity },
        ...{ from: 'new', reason: 'a session began' },
        // Only idle ones are given up. What stood in them is found where its blocks are.
        below: current => this.#tier.findBelow(this.#idle.get(set)?.map(block => block.deref()) ?? [], current),
        evict: () => this.#letGo(set),
      },
      { inUse: true },
    )
    const set: HotSet = { running, blocks: [], lent, hold }
    return set
  }

  #bytesOf(capacity: number): number {
    const perToken = this.#layers.reduce((sum, { kvHeads, headDim }) => sum + 2 * kvHeads * headDim, 0)
    return perToken * capacity * Float32Array.BYTES_PER_ELEMENT
  }
}

/**
 * Takes out what was lent from a set and does not stand in it any more: the numbers are there until the set is written. Where it
 * throws, the set must not be.
 */
export async function takeOutLost(set: HotSet): Promise<void> {
  const standing = new Set<KvBlock>(set.blocks)
  for (const reference of set.lent) {
    const block = reference.deref()
    if (block !== undefined && !standing.has(block)) await block.takeOut()
  }
  set.lent = set.lent.filter(reference => reference.deref()?.isLent)
}

/** Gives a device's tensors back to it. */
export function release({ layers }: Running): void {
  for (const { key, value } of layers) {
    for (const tensor of [key, value]) if (tensor.location !== 'cpu') tensor.dispose()
  }
}

function roundUp(rows: number): number {
  const steps = Math.max(1, Math.ceil((rows - CAPACITY_BEYOND) / CAPACITY_STEP))
  return steps * CAPACITY_STEP + CAPACITY_BEYOND
}
