import type { TierMove } from '../inference/tierEntry.ts'

const MOVES_KEPT = 256

/** The last moves of all tiers, for whoever asks why something is where it is. */
export class MoveLog {
  readonly #moves: TierMove[] = []
  readonly #onMove: () => void

  constructor(onMove: () => void) {
    this.#onMove = onMove
  }

  readonly add = (move: TierMove): void => {
    this.#moves.push(move)
    if (this.#moves.length > MOVES_KEPT) this.#moves.shift()
    this.#onMove()
  }

  /** Newest first. */
  recent(limit = MOVES_KEPT): readonly TierMove[] {
    return this.#moves.slice(-limit).reverse()
  }
}
