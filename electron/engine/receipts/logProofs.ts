/** RFC 6962 proofs about a receipt log. Hashes are base64. */

import { StatePackError } from '#shared/domain/error.ts'
import { receiptNumber } from '#shared/domain/receipt.ts'
import type { LogIndex } from './logIndex.ts'

/** That receipt `seq` is in the log. Throws `E_NOT_FOUND`. */
export function inclusionIn({ tree }: LogIndex, seq: number) {
  if (!Number.isInteger(seq) || seq < 0 || seq >= tree.size)
    throw new StatePackError('E_NOT_FOUND', `There is no receipt ${receiptNumber(seq)}.`, { seq })
  return {
    leaf: base64(tree.leaf(seq)),
    index: seq,
    size: tree.size,
    root: base64(tree.root()),
    proof: tree.inclusionProof(seq).map(base64),
  }
}

/** That the log of `oldSize` receipts is a prefix of this one. Throws `E_NOT_FOUND`. */
export function consistencyIn({ tree }: LogIndex, oldSize: number) {
  if (oldSize > tree.size)
    throw new StatePackError('E_NOT_FOUND', `The log has fewer than ${oldSize} receipts.`, { oldSize })
  return {
    oldSize,
    newSize: tree.size,
    newRoot: base64(tree.root()),
    proof: tree.consistencyProof(oldSize).map(base64),
  }
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64')
}
