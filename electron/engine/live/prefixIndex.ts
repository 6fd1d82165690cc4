import type { Digest } from '#shared/domain/digest.ts'
import { BLOCK_TOKENS } from '../inference/stateSnapshot.ts'
import { sha256 } from '../sha256.ts'

/** A state that begins with the tokens that a chain names; `position` is how many tokens of it the entry stands for. */
export interface PrefixEntry {
  readonly packetId: Digest
  readonly position: number
}

/** Where a packet is entered: after each full block, and at its end. */
export interface PrefixMark {
  readonly chain: string
  readonly position: number
}

/** Stored packets by chain, newest first; at most `limit`. */
export type StoredPrefixes = (chain: string, limit: number) => readonly PrefixEntry[]

/** Most states looked at for one chain: those of one base are alike. */
const CANDIDATES = 16

/**
 * The chain of a token sequence: `chain[k]` names the model and the first `64 * k` tokens, `H(chain[k - 1], ids)`. Cut to
 * 128 bits: whoever finds a state by it compares the tokens themselves. `model` is the digest of what it computes with,
 * without its name.
 */
export function prefixChain(model: Digest, tokens: Int32Array): string[] {
  const chain = [sha256(`prefix ${model}`).slice(7, 39)]
  for (let end = BLOCK_TOKENS; end <= tokens.length; end += BLOCK_TOKENS) {
    const block = tokens.subarray(end - BLOCK_TOKENS, end)
    chain.push(sha256(`${chain.at(-1)} ${block.join(' ')}`).slice(7, 39))
  }
  return chain
}

/**
 * The entries of a state with these tokens. Keys and values can be cut back to any block. A recurrent state stands for all
 * of its tokens and no fewer; it is entered at every block all the same, so that whoever misses it can be told why.
 */
export function prefixMarks(model: Digest, tokens: Int32Array): PrefixMark[] {
  if (tokens.length === 0) return []
  const chain = prefixChain(model, tokens)
  const blocks = chain.slice(1).map((link, index) => ({ chain: link, position: (index + 1) * BLOCK_TOKENS }))
  // Shorter than a block: there is only the end.
  return blocks.length > 0 ? blocks : [{ chain: chain[0] ?? '', position: tokens.length }]
}

/** From tokens to the states that begin like them, stored or not. */
export class PrefixIndex {
  readonly #open: () => Promise<StoredPrefixes>
  readonly #unstored = new Map<string, PrefixEntry[]>()
  /** Where each of them is entered. */
  readonly #chains = new Map<Digest, readonly string[]>()

  /** `open`: a way to look stored packets up, as they are now. */
  constructor(open: () => Promise<StoredPrefixes>) {
    this.#open = open
  }

  /** Enters a state that no library knows. */
  add(packetId: Digest, marks: readonly PrefixMark[]): void {
    this.#chains.set(
      packetId,
      marks.map(({ chain }) => chain),
    )
    for (const { chain, position } of marks) {
      const entries = this.#unstored.get(chain) ?? []
      this.#unstored.set(chain, entries)
      if (entries.some(entry => entry.packetId === packetId)) continue
      entries.unshift({ packetId, position })
      if (entries.length > CANDIDATES) entries.pop()
    }
  }

  /** Takes a state out that can no longer be resolved. */
  remove(packetId: Digest): void {
    for (const chain of this.#chains.get(packetId) ?? []) {
      const left = this.#unstored.get(chain)?.filter(entry => entry.packetId !== packetId) ?? []
      if (left.length > 0) this.#unstored.set(chain, left)
      else this.#unstored.delete(chain)
    }
    this.#chains.delete(packetId)
  }

  /** States that may share a beginning with these tokens, those that share the most blocks first. */
  async *candidates(model: Digest, tokens: Int32Array): AsyncGenerator<PrefixEntry & { readonly blocks: number }> {
    const stored = await this.#open()
    const chain = prefixChain(model, tokens)
    for (let blocks = chain.length - 1; blocks >= 0; blocks--) {
      const link = chain[blocks] ?? ''
      const entries = [...(this.#unstored.get(link) ?? []), ...stored(link, CANDIDATES)]
      for (const entry of entries) yield { ...entry, blocks }
    }
  }
}
