/**
 * The Merkle tree of RFC 6962 section 2.1 over leaf hashes (32 bytes each). Proof checking follows RFC 9162 section 2.1.3
 * and 2.1.4, which say the same tree's algorithms step by step.
 */
import { hash } from 'node:crypto'

const NODE = Buffer.from([1])
const HASH_BYTES = 32

/** Hash of a leaf: SHA-256(0x00 || bytes). */
export function leafHash(bytes: Uint8Array): Buffer {
  const prefixed = Buffer.allocUnsafe(bytes.length + 1)
  prefixed[0] = 0
  prefixed.set(bytes, 1)
  return hash('sha256', prefixed, 'buffer')
}

/** Hash of an inner node: SHA-256(0x01 || left || right). */
function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([NODE, left, right]), 'buffer')
}

/** Hashes one behind the other, in one piece of memory. */
class Hashes {
  #bytes = Buffer.alloc(0)
  count = 0

  push(hash: Uint8Array): void {
    const at = this.count++ * HASH_BYTES
    if (at === this.#bytes.length) {
      const more = Buffer.alloc(Math.max(2 * at, 16 * HASH_BYTES))
      more.set(this.#bytes)
      this.#bytes = more
    }
    this.#bytes.set(hash, at)
  }

  /** Not to be written to. Throws `RangeError`. */
  at(index: number): Buffer {
    if (!Number.isInteger(index) || index < 0 || index >= this.count) throw new RangeError(`No leaf ${index}`)
    return this.#bytes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES)
  }
}

/**
 * A growing tree that knows the roots of all its perfect subtrees: 64 to 128 bytes a leaf. Adding one takes O(1) amortised, a root or a proof
 * O(log n).
 */
export class MerkleTree {
  /** The leaves, the roots of pairs of them, of fours, and so on. */
  readonly #levels: Hashes[] = [new Hashes()]

  get size(): number {
    return this.#levels[0]?.count ?? 0
  }

  add(leaf: Uint8Array): void {
    let node = leaf
    for (let level = 0; ; level++) {
      this.#levels[level] ??= new Hashes()
      const row = this.#levels[level] as Hashes
      row.push(node)
      if (row.count % 2 === 1) return
      node = nodeHash(row.at(row.count - 2), node)
    }
  }

  /** The hash of one leaf. Throws `RangeError`. */
  leaf(index: number): Buffer {
    return this.#perfect(0, index)
  }

  /** Root of the tree of the first `size` leaves, all unless given; SHA-256 of nothing for none. Throws `RangeError`. */
  root(size = this.size): Buffer {
    if (size === 0) return hash('sha256', new Uint8Array(), 'buffer')
    return this.#rootOf(0, size)
  }

  /** Shortest proof that leaf `index` is in the tree, nearest sibling first. Throws `RangeError`. */
  inclusionProof(index: number): Buffer[] {
    this.leaf(index)
    const proof: Buffer[] = []
    let [start, end] = [0, this.size]
    while (end - start > 1) {
      const middle = start + split(end - start)
      if (index < middle) {
        proof.push(this.#rootOf(middle, end))
        end = middle
      } else {
        proof.push(this.#rootOf(start, middle))
        start = middle
      }
    }
    return proof.reverse()
  }

  /** Proof that the tree of the first `oldSize` leaves is a prefix of this one; empty for 0 and for all. Throws `RangeError`. */
  consistencyProof(oldSize: number): Buffer[] {
    if (!Number.isInteger(oldSize) || oldSize < 0 || oldSize > this.size) throw new RangeError(`No tree of ${oldSize}`)
    if (oldSize === 0) return []
    const proof: Buffer[] = []
    let [start, end] = [0, this.size]
    while (oldSize < end) {
      const middle = start + split(end - start)
      if (oldSize <= middle) {
        proof.push(this.#rootOf(middle, end))
        end = middle
      } else {
        proof.push(this.#rootOf(start, middle))
        start = middle
      }
    }
    // Of the old tree itself whoever checks has the root.
    return start === 0 ? proof.reverse() : [this.#rootOf(start, end), ...proof.reverse()]
  }

  /** Root over the leaves from `start`, a multiple of the least power of two that is no less than their number. */
  #rootOf(start: number, end: number): Buffer {
    const count = end - start
    const level = Math.floor(Math.log2(count))
    const whole = 2 ** level
    if (count === whole) return this.#perfect(level, start / whole)
    return nodeHash(this.#perfect(level, start / whole), this.#rootOf(start + whole, end))
  }

  #perfect(level: number, index: number): Buffer {
    const row = this.#levels[level]
    if (row === undefined) throw new RangeError(`No leaf ${index * 2 ** level}`)
    return row.at(index)
  }
}

/** Largest power of two below `n`. */
function split(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}

export interface InclusionClaim {
  readonly leaf: Uint8Array
  readonly index: number
  readonly size: number
  readonly root: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/** True when `proof` shows that `leaf` stands at `index` in the tree of `size` leaves with this root. */
export function verifyInclusion({ leaf, index, size, root, proof }: InclusionClaim): boolean {
  if (index < 0 || index >= size) return false
  let fn = index
  let sn = size - 1
  let node: Uint8Array = leaf
  for (const sibling of proof) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      node = nodeHash(sibling, node)
      while (fn % 2 === 0 && fn !== 0) {
        fn = Math.floor(fn / 2)
        sn = Math.floor(sn / 2)
      }
    } else {
      node = nodeHash(node, sibling)
    }
    fn = Math.floor(fn / 2)
    sn = Math.floor(sn / 2)
  }
  return sn === 0 && Buffer.compare(node, root) === 0
}

export interface ConsistencyClaim {
  readonly oldSize: number
  readonly oldRoot: Uint8Array
  readonly newSize: number
  readonly newRoot: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/** True when `proof` shows that the old tree is a prefix of the new one. */
export function verifyConsistency({ oldSize, oldRoot, newSize, newRoot, proof }: ConsistencyClaim): boolean {
  if (oldSize > newSize) return false
  if (oldSize === newSize) return proof.length === 0 && Buffer.compare(oldRoot, newRoot) === 0
  if (oldSize === 0) return proof.length === 0
  const powerOfTwo = Number.isInteger(Math.log2(oldSize))
  const path = powerOfTwo ? [oldRoot, ...proof] : [...proof]
  const first = path.shift()
  if (first === undefined) return false
  let fn = oldSize - 1
  let sn = newSize - 1
  while (fn % 2 === 1) {
    fn = Math.floor(fn / 2)
    sn = Math.floor(sn / 2)
  }
  let fr: Uint8Array = first
  let sr: Uint8Array = first
  for (const sibling of path) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      fr = nodeHash(sibling, fr)
      sr = nodeHash(sibling, sr)
      while (fn % 2 === 0 && fn !== 0) {
        fn = Math.floor(fn / 2)
        sn = Math.floor(sn / 2)
      }
    } else {
      sr = nodeHash(sr, sibling)
    }
    fn = Math.floor(fn / 2)
    sn = Math.floor(sn / 2)
  }
  return sn === 0 && Buffer.compare(fr, oldRoot) === 0 && Buffer.compare(sr, newRoot) === 0
}
