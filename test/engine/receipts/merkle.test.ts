import { hash } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { leafHash, MerkleTree, verifyConsistency, verifyInclusion } from '#engine/receipts/merkle.ts'
import { mth, path, proof } from './rfc6962.ts'

function rootOf(leaves: readonly Uint8Array[]): Buffer {
  const tree = new MerkleTree()
  for (const leaf of leaves) tree.add(leaf)
  return tree.root()
}

vi.mock('node:crypto', async original => {
  const crypto = await original<typeof import('node:crypto')>()
  return { ...crypto, hash: vi.fn(crypto.hash) }
})

const data = (n: number) => Array.from({ length: n }, (_, i) => Buffer.from(`leaf ${i}`))
const hex = (hashes: readonly Uint8Array[]) => hashes.map(h => Buffer.from(h).toString('hex'))
const flipped = (bytes: Uint8Array) => {
  const copy = Buffer.from(bytes)
  copy[5] = (copy[5] ?? 0) ^ 1
  return copy
}

describe('Merkle tree of RFC 6962', () => {
  it('has the known root of Certificate Transparency test data', () => {
    // The eight leaves used by the reference implementations of RFC 6962.
    const leaves = [
      '',
      '00',
      '10',
      '2021',
      '3031',
      '40414243',
      '5051525354555657',
      '606162636465666768696a6b6c6d6e6f',
    ].map(h => Buffer.from(h, 'hex'))
    expect(rootOf(leaves.map(leafHash)).toString('hex')).toBe(
      '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
    )
    expect(rootOf([]).toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  })

  it('agrees with the definition for every size up to 40: roots, inclusion and consistency proofs', () => {
    for (let n = 0; n <= 40; n++) {
      const raw = data(n)
      const leaves = raw.map(leafHash)
      const tree = new MerkleTree()
      for (const leaf of leaves) tree.add(leaf)
      const root = tree.root()
      expect(root.equals(mth(raw))).toBe(true)
      for (let m = 0; m < n; m++) {
        const inclusion = tree.inclusionProof(m)
        expect(hex(inclusion)).toEqual(hex(path(m, raw)))
        const leaf = leaves[m] ?? root
        expect(verifyInclusion({ leaf, index: m, size: n, root, proof: inclusion })).toBe(true)
        // Controls: another leaf, another place, a damaged proof, a longer proof.
        expect(verifyInclusion({ leaf: flipped(leaf), index: m, size: n, root, proof: inclusion })).toBe(false)
        if (n > 1) expect(verifyInclusion({ leaf, index: (m + 1) % n, size: n, root, proof: inclusion })).toBe(false)
        expect(verifyInclusion({ leaf, index: m, size: n, root, proof: [...inclusion, leaf] })).toBe(false)
        if (m === 0) continue
        const consistency = tree.consistencyProof(m)
        expect(hex(consistency)).toEqual(hex(proof(m, raw)))
        const oldRoot = mth(raw.slice(0, m))
        expect(tree.root(m).equals(oldRoot)).toBe(true)
        const claim = { oldSize: m, oldRoot, newSize: n, newRoot: root, proof: consistency }
        expect(verifyConsistency(claim)).toBe(true)
        expect(verifyConsistency({ ...claim, oldRoot: flipped(oldRoot) })).toBe(false)
        expect(verifyConsistency({ ...claim, newRoot: flipped(root) })).toBe(false)
        expect(verifyConsistency({ ...claim, proof: consistency.slice(1) })).toBe(false)
      }
    }
  })

  it('proves something of a long log from a few hashes of it', () => {
    const tree = new MerkleTree()
    const leaves = data(5000).map(leafHash)
    for (const leaf of leaves) tree.add(leaf)
    expect(tree.root().equals(rootOf(leaves))).toBe(true)
    expect(tree.root(4321).equals(rootOf(leaves.slice(0, 4321)))).toBe(true)
    const hashed = vi.mocked(hash)
    for (const index of [0, 1, 2047, 4095, 4096, 4999]) {
      hashed.mockClear()
      const proof = tree.inclusionProof(index)
      expect(hashed.mock.calls.length).toBeLessThan(13)
      const leaf = leaves[index] ?? tree.root()
      expect(verifyInclusion({ leaf, index, size: 5000, root: tree.root(), proof })).toBe(true)
      hashed.mockClear()
      tree.consistencyProof(index)
      expect(hashed.mock.calls.length).toBeLessThan(13)
    }
    for (const none of [-1, 5000, 1.5]) expect(() => tree.inclusionProof(none)).toThrow(RangeError)
    for (const none of [-1, 5001, 1.5]) expect(() => tree.consistencyProof(none)).toThrow(RangeError)
    expect([tree.consistencyProof(0), tree.consistencyProof(5000)]).toEqual([[], []])
  })
})
