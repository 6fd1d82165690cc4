/**
 * The Merkle tree of RFC 6962 section 2.1 over leaf hashes (32 bytes each). Proof checking follows RFC 9162 section 2.1.3
 * and 2.1.4, which say the same tree's algorithms step by step.
 */
import { hash } from 'node:crypto'

const NODE = Buffer.from([1])

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

/** A growing tree that remembers only the roots of its perfect subtrees: O(log n) memory, O(1) amortised per leaf. */
export class MerkleFrontier {
  #size = 0
  /** Largest subtree first; their sizes are the set bits of `#size`. */
  readonly #roots: Buffer[] = []

  get size(): number {
    return this.#size
  }

  add(leaf: Buffer): void {
    let node = leaf
    for (let bit = this.#size; bit % 2 === 1; bit = Math.floor(bit / 2)) {
      const left = this.#roots.pop()
      if (left !== undefined) node = nodeHash(left, node)
    }
    this.#roots.push(node)
    this.#size++
  }

  /** Root of the tree so far; SHA-256 of nothing for an empty tree. */
  root(): Buffer {
    const last = this.#roots.at(-1)
    if (last === undefined) return hash('sha256', new Uint8Array(), 'buffer')
    return this.#roots.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last)
  }
}

/** Root of the tree over `leaves`. */
export function merkleRoot(leaves: Iterable<Buffer>): Buffer {
  const tree = new MerkleFrontier()
  for (const leaf of leaves) tree.add(leaf)
  return tree.root()
}

/** Shortest proof that leaf `index` is in the tree over `leaves`, nearest sibling first. */
export function inclusionProof(leaves: readonly Buffer[], index: number): Buffer[] {
  if (!Number.isInteger(index) || index < 0 || index >= leaves.length) throw new RangeError(`No leaf ${index}`)
  if (leaves.length === 1) return []
  const k = split(leaves.length)
  return index < k
    ? [...inclusionProof(leaves.slice(0, k), index), merkleRoot(leaves.slice(k))]
    : [...inclusionProof(leaves.slice(k), index - k), merkleRoot(leaves.slice(0, k))]
}

/** Proof that the tree over the first `oldSize` leaves is a prefix of the tree over `leaves`; empty for 0 and for all. */
export function consistencyProof(leaves: readonly Buffer[], oldSize: number): Buffer[] {
  if (!Number.isInteger(oldSize) || oldSize < 0 || oldSize > leaves.length)
    throw new RangeError(`No tree of ${oldSize}`)
  return oldSize === 0 ? [] : subproof(leaves, oldSize, true)
}

function subproof(leaves: readonly Buffer[], m: number, whole: boolean): Buffer[] {
  if (m === leaves.length) return whole ? [] : [merkleRoot(leaves)]
  const k = split(leaves.length)
  return m <= k
    ? [...subproof(leaves.slice(0, k), m, whole), merkleRoot(leaves.slice(k))]
    : [...subproof(leaves.slice(k), m - k, false), merkleRoot(leaves.slice(0, k))]
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
