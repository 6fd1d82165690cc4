/** RFC 6962 proofs about a receipt log. Hashes are base64. */

import { StatePackError } from '#shared/domain/error.ts'
import { receiptNumber } from '#shared/domain/receipt.ts'
import type { LogIndex } from './logIndex.ts'
import { consistencyProof, inclusionProof } from './merkle.ts'

/** That receipt `seq` is in the log. Throws `E_NOT_FOUND`. */
export function inclusionIn({ leaves, frontier }: LogIndex, seq: number) {
  const leaf = leaves[seq]
  if (leaf === undefined) throw new StatePackError('E_NOT_FOUND', `There is no receipt ${receiptNumber(seq)}.`, { seq })
  return {
    leaf: base64(leaf),
    index: seq,
    size: leaves.length,
    root: base64(frontier.root()),
    proof: inclusionProof(leaves, seq).map(base64),
  }
}

/** That the log of `oldSize` receipts is a prefix of this one. Throws `E_NOT_FOUND`. */
export function consistencyIn({ leaves, frontier }: LogIndex, oldSize: number) {
  if (oldSize > leaves.length)
    throw new StatePackError('E_NOT_FOUND', `The log has fewer than ${oldSize} receipts.`, { oldSize })
  return {
    oldSize,
    newSize: leaves.length,
    newRoot: base64(frontier.root()),
    proof: consistencyProof(leaves, oldSize).map(base64),
  }
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64')
}
