import type { StateDtype } from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { BLOCK_TOKENS } from '../inference/stateSnapshot.ts'
import { sha256 } from '../sha256.ts'

/** Fewer tokens than this are read faster than a state is restored. */
export const WORTH_TOKENS = 16

/** A beginning of a token sequence: its first `position` tokens, as `chain` names them. */
export interface PrefixMark {
  readonly chain: string
  readonly position: number
}

/** What looking for a beginning needs to know of a state that no library knows. */
export interface UnstoredPrefix {
  readonly packetId: Digest
  readonly dtype: StateDtype
  /** Of all its tokens; see {@link prefixMarks}. */
  readonly marks: readonly PrefixMark[]
}

/** Where stored packets are looked up. */
export interface StoredPrefixes {
  withPrefix(
    chain: string,
    options: { readonly dtypes: readonly StateDtype[]; readonly limit: number },
  ): readonly Digest[]
  prefixLengths(chain: string, below: number): readonly number[]
}

export interface PrefixCandidate {
  readonly packetId: Digest
  /** It and those that follow agree with the tokens asked for in fewer than this many. */
  readonly below: number
}

/** Most states looked at for one chain: those of one base are alike. */
const CANDIDATES = 16

/**
 * Where a state is entered and looked for: after 16, 32, 48 and 64 tokens, after each further 64, and at its end. `chain`
 * names the model and the tokens up to there: `H(chain before, ids since)`, cut to 128 bits: whoever finds a state by it compares
 * the tokens themselves. `model` is the digest of what it computes with, without its name. Fewer tokens than are worth a
 * restore have no mark.
 */
export function prefixMarks(model: Digest, tokens: Int32Array): PrefixMark[] {
  const marks: PrefixMark[] = []
  for (let end = WORTH_TOKENS; end <= tokens.length; end = nextLink(end))
    marks.push(markAt(model, tokens, marks.at(-1), end))
  const last = marks.at(-1)
  if (last !== undefined && last.position < tokens.length) marks.push(markAt(model, tokens, last, tokens.length))
  return marks
}

function nextLink(position: number): number {
  return position + (position < BLOCK_TOKENS ? WORTH_TOKENS : BLOCK_TOKENS)
}

function markAt(model: Digest, tokens: Int32Array, before: PrefixMark | undefined, position: number): PrefixMark {
  const chain = before?.chain ?? sha256(`prefix ${model}`).slice(7, 39)
  const since = tokens.subarray(before?.position ?? 0, position).join(' ')
  return { chain: sha256(`${chain} ${since}`).slice(7, 39), position }
}

/** From tokens to the states that begin like them, stored or not. */
export class PrefixIndex {
  readonly #open: () => Promise<StoredPrefixes>
  /** By chain, oldest first. */
  readonly #unstored = new Map<string, Map<Digest, UnstoredPrefix>>()
  readonly #entered = new Map<Digest, UnstoredPrefix>()

  /** `open`: a way to look stored packets up, as they are now. */
  constructor(open: () => Promise<StoredPrefixes>) {
    this.#open = open
  }

  /** Enters a state that no library knows. */
  add(state: UnstoredPrefix): void {
    this.remove(state.packetId)
    this.#entered.set(state.packetId, state)
    for (const { chain } of state.marks) {
      const states = this.#unstored.get(chain) ?? new Map<Digest, UnstoredPrefix>()
      this.#unstored.set(chain, states.set(state.packetId, state))
    }
  }

  /** Takes a state out that can no longer be resolved. */
  remove(packetId: Digest): void {
    for (const { chain } of this.#entered.get(packetId)?.marks ?? []) {
      const states = this.#unstored.get(chain)
      states?.delete(packetId)
      if (states?.size === 0) this.#unstored.delete(chain)
    }
    this.#entered.delete(packetId)
  }

  /**
   * States that may share a beginning with these tokens: those that share most marks first, of those the ones that end within
   * what they share, the longest first; then those in `dtypes`. However many begin alike, none of these hides another.
   */
  async *candidates(model: Digest, tokens: Int32Array, dtypes: readonly StateDtype[]): AsyncGenerator<PrefixCandidate> {
    const stored = await this.#open()
    const statesAt = (chain: string): Digest[] => {
      const unstored = [...(this.#unstored.get(chain)?.values() ?? [])].reverse()
      const serving = unstored.filter(({ dtype }) => dtypes.includes(dtype))
      const others = unstored.filter(({ dtype }) => !dtypes.includes(dtype))
      const inMemory = [...serving, ...others].slice(0, CANDIDATES).map(({ packetId }) => packetId)
      return [...inMemory, ...stored.withPrefix(chain, { dtypes, limit: CANDIDATES })]
    }
    const lengthsAt = (chain: string, below: number): number[] => {
      const unstored = [...(this.#unstored.get(chain)?.values() ?? [])].map(({ marks }) => marks.at(-1)?.position ?? 0)
      const lengths = new Set([...unstored, ...stored.prefixLengths(chain, below)])
      return [...lengths].filter(length => length < below).sort((a, b) => b - a)
    }
    const links = prefixMarks(model, tokens)
    for (const link of links.reverse()) {
      const { chain, position } = link
      const states = statesAt(chain)
      if (states.length === 0) continue
      const below = Math.min(nextLink(position), tokens.length + 1)
      for (const length of lengthsAt(chain, below)) {
        if (length === position) continue
        for (const packetId of statesAt(markAt(model, tokens, link, length).chain)) yield { packetId, below }
      }
      for (const packetId of states) yield { packetId, below }
    }
  }
}
