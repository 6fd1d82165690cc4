/**
 * Where each receipt lies, its leaf hash, id and operation: 73 bytes each, in memory and in index.bin. Derived from log.jsonl:
 * it may lag behind or be deleted. Its leaf hashes prove themselves against a checkpoint's root or are not believed.
 */
import { type Digest, hexOf, parseDigest } from '#shared/domain/digest.ts'
import { type ReceiptOp, receiptOpSchema } from '#shared/domain/receipt.ts'
import { absentAsNull, type LogFs, type LogPaths } from './logFile.ts'
import { MerkleTree } from './merkle.ts'

/** Bytes of one entry in index.bin. */
export const RECORD = 73
/** Operations by the number that stands for them; only ever appended to. */
const OPS = receiptOpSchema.options

export interface IndexEntry {
  /** Offset of the byte after the line's newline. */
  readonly end: number
  readonly leaf: Buffer
  readonly id: Digest
  readonly op: ReceiptOp
}

export class LogIndex {
  readonly ends: number[] = []
  readonly ids: Digest[] = []
  readonly ops: ReceiptOp[] = []
  readonly #seqOf = new Map<Digest, number>()
  /** Over the hashes of their lines. */
  readonly tree = new MerkleTree()

  get count(): number {
    return this.ends.length
  }

  /** Bytes of log.jsonl that are indexed. */
  get bytes(): number {
    return this.ends.at(-1) ?? 0
  }

  add({ end, leaf, id, op }: IndexEntry): void {
    this.#seqOf.set(id, this.ends.length)
    this.ends.push(end)
    this.ids.push(id)
    this.ops.push(op)
    this.tree.add(leaf)
  }

  /** Entries `from` on, oldest first. */
  *entries(from: number): Generator<IndexEntry> {
    for (let seq = from; seq < this.count; seq++) {
      const [end, id, op] = [this.ends[seq], this.ids[seq], this.ops[seq]]
      if (end !== undefined && id !== undefined && op !== undefined) yield { end, leaf: this.tree.leaf(seq), id, op }
    }
  }

  seqOf(id: Digest): number | undefined {
    return this.#seqOf.get(id)
  }

  /** First byte and byte after the newline of a receipt's line; null when there is no such receipt. */
  span(seq: number): { readonly start: number; readonly end: number } | null {
    const end = this.ends[seq]
    return end === undefined ? null : { start: seq === 0 ? 0 : (this.ends[seq - 1] ?? 0), end }
  }
}

export function encodeIndexEntry({ end, leaf, id, op }: IndexEntry): Buffer {
  const record = Buffer.alloc(RECORD)
  record.writeBigUInt64LE(BigInt(end), 0)
  leaf.copy(record, 8)
  record.write(hexOf(id), 40, 'hex')
  record[72] = OPS.indexOf(op)
  return record
}

/** What index.bin says, unchecked; an absent or odd-sized file gives the whole records it has. */
export async function readIndexFile(fs: LogFs, paths: LogPaths): Promise<IndexEntry[]> {
  const bytes = (await fs.readFile(paths.index).catch(absentAsNull)) ?? Buffer.alloc(0)
  const entries: IndexEntry[] = []
  for (let at = 0; at + RECORD <= bytes.length; at += RECORD) {
    const op = OPS[bytes[at + 72] ?? OPS.length]
    if (op === undefined) break
    entries.push({
      end: Number(bytes.readBigUInt64LE(at)),
      leaf: bytes.subarray(at + 8, at + 40),
      id: parseDigest(bytes.toString('hex', at + 40, at + 72)),
      op,
    })
  }
  return entries
}
