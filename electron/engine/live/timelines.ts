import type { Digest } from '#shared/domain/digest.ts'
import type { MemoryTier } from '../inference/memoryTier.ts'
import type { KvBlock, StateSnapshot } from '../inference/stateSnapshot.ts'
import type { MemoryHold } from '../inference/tierEntry.ts'
import { thinned } from './thinned.ts'

/** The checkpoints of one reading, in the order they were passed. */
export class Timeline {
  #checkpoints: readonly StateSnapshot[] = []

  get checkpoints(): readonly StateSnapshot[] {
    return this.#checkpoints
  }

  /** Enters the state that a reading has reached; older ones are let go of, the more the older they are. */
  readonly add = (snapshot: StateSnapshot): void => {
    const all = [...this.#checkpoints, snapshot]
    const kept = thinned(all.map(({ position }) => position))
    this.#checkpoints = all.filter(({ position }) => kept.has(position))
  }
}

/**
 * Earlier states of packets that cannot be cut back, because a recurrent state forgets where it was: in the warm tier, as
 * long as there is room. As computed, never rounded: who goes on from one has the bits of a fresh reading.
 */
export class Timelines {
  readonly #warm: MemoryTier
  readonly #held = new Map<Digest, { readonly checkpoints: readonly StateSnapshot[]; readonly hold: MemoryHold }>()

  constructor(warm: MemoryTier) {
    this.#warm = warm
  }

  /** Keeps the checkpoints of what was read into a packet; an earlier reading of it goes. */
  add(packetId: Digest, { checkpoints }: Timeline): void {
    const last = checkpoints.at(-1)
    if (last === undefined) return
    this.#held.get(packetId)?.hold.drop()
    this.#held.delete(packetId)
    let evicted = false
    const hold = this.#warm.hold({
      ...{ label: packetId, bytes: bytesOf(checkpoints), cost: last.position, from: 'new', below: 'gone' },
      reason: 'checkpoints of its reading',
      evict: () => {
        evicted = true
        this.#held.delete(packetId)
      },
    })
    if (!evicted) this.#held.set(packetId, { checkpoints, hold })
  }

  /** The last state of a packet's reading after at most `position` tokens; null where none is known. */
  deepest(packetId: Digest, position: number): StateSnapshot | null {
    const found = this.#held.get(packetId)
    const checkpoint = found?.checkpoints.findLast(snapshot => snapshot.position <= position)
    if (found === undefined || checkpoint === undefined) return null
    found.hold.touch()
    return { ...checkpoint, label: packetId }
  }
}

/** Blocks that several checkpoints share count once. */
function bytesOf(checkpoints: readonly StateSnapshot[]): number {
  const blocks = new Set<KvBlock>(checkpoints.flatMap(snapshot => snapshot.blocks))
  const arrays = [
    ...[...blocks].flatMap(({ layers }) => layers.flatMap(({ key, value }) => [key, value])),
    ...checkpoints.flatMap(({ recurrent }) => recurrent.flatMap(({ conv, ssm }) => [conv, ssm])),
  ]
  return arrays.reduce((sum, { byteLength }) => sum + byteLength, 0)
}
