/**
 * Checking a receipt log from its files alone: every line's form, signature, number and predecessor, and every checkpoint
 * against the Merkle tree of the exact lines. Reports the first receipt that is not what was written.
 */

import { StatePackError } from '#shared/domain/error.ts'
import { receiptNumber } from '#shared/domain/receipt.ts'
import { type Checkpoint, logOrigin, openCheckpoint } from './checkpoint.ts'
import { type Envelope, verifyEnvelope } from './dsse.ts'
import type { PublicKey } from './keys.ts'
import { type LogFs, type LogRecord, logPaths, nodeLogFs, parseLine, readLines } from './logFile.ts'
import { readIndexFile } from './logIndex.ts'
import { leafHash, MerkleTree } from './merkle.ts'
import { readCheckpoints } from './storedCheckpoints.ts'

export interface VerifyOptions {
  /** Keys whose receipts are accepted. */
  readonly trusted: readonly PublicKey[]
  /** Checkpoints (signed notes) kept outside the store: what finds a cut tail or a log replaced as a whole. */
  readonly checkpoint?: string | readonly string[]
  readonly fs?: LogFs
  readonly signal?: AbortSignal
  /** Called now and then with the receipts checked so far. */
  readonly onProgress?: (checked: number) => void
}

/**
 * `format`: not a receipt in canonical form. `signature`: content and signature disagree. `unknown_key`: signed by a key not
 * trusted here. `order`: another receipt's number (removed, moved, inserted or repeated). `chain`: does not continue the one
 * before. `truncated`: a checkpoint saw more. `fork`: a checkpoint saw other receipts.
 */
export type BreakKind = 'format' | 'signature' | 'unknown_key' | 'order' | 'chain' | 'truncated' | 'fork'

export interface LogBreak {
  readonly kind: BreakKind
  /** Number of the first receipt that is not what was written. */
  readonly index: number
  /** False when only a range is known: the first change is at `index` or after it. */
  readonly exact: boolean
  readonly message: string
}

export interface LogReport {
  readonly ok: boolean
  /** Receipts that were read. */
  readonly count: number
  /** Merkle root of the receipts that were read, base64. */
  readonly root: string
  readonly origin: string | null
  readonly break: LogBreak | null
  /** A last line without an end that no checkpoint covers: a write in flight or cut by a crash, never acknowledged. */
  readonly torn: boolean
  readonly checkpoints: { readonly agreed: number; readonly ignored: readonly string[] }
}

/** Signatures under way at once: enough to keep the thread pool busy. */
const WINDOW = 256

/** Verifies the log in `folder`. Throws `E_BAD_FORMAT` or `E_BAD_SIGNATURE` for a given checkpoint that is none, `E_CANCELLED`. */
export async function verifyLog(folder: string, options: VerifyOptions): Promise<LogReport> {
  const { trusted, fs = nodeLogFs } = options
  const paths = logPaths(folder)
  const outside = await Promise.all(given(options.checkpoint).map(note => openCheckpoint(note, trusted)))
  // Checkpoints first: the log may grow while it is read, and must then be longer than they say, never shorter.
  const stored = await readCheckpoints(fs, paths, trusted)
  const recorded = new MerkleTree()
  for (const { leaf } of await readIndexFile(fs, paths)) recorded.add(leaf)
  const checkpoints = [...outside, ...stored.valid]
  const scan = await scanLog(folder, options)

  const origin = scan.tree.size === 0 ? null : logOrigin(scan.tree.leaf(0))
  const disagreeing = checkpoints.filter(c => !agrees(c, scan, origin))
  const consistent = checkpoints.filter(c => c.size <= scan.tree.size && !disagreeing.includes(c))
  // Only what was kept outside bounds a change from below: whoever forked a log also signed the checkpoints inside it.
  const known = Math.max(0, ...outside.filter(c => consistent.includes(c)).map(c => c.size))
  const breaks = [...disagreeing.map(c => locate(c, { scan, recorded, known, origin })), scan.break].filter(
    b => b !== null,
  )
  const first = breaks.reduce<LogBreak | null>(
    (a, b) => (a === null || b.index < a.index || (b.index === a.index && b.exact) ? b : a),
    null,
  )
  return {
    ok: first === null,
    count: scan.tree.size,
    root: scan.tree.root().toString('base64'),
    origin,
    break: first,
    torn: scan.torn,
    checkpoints: { agreed: consistent.length, ignored: stored.ignored },
  }
}

interface Scan {
  readonly tree: MerkleTree
  readonly break: LogBreak | null
  readonly torn: boolean
}

/** Reads the log up to its first bad line. */
async function scanLog(folder: string, options: VerifyOptions): Promise<Scan> {
  const { trusted, fs = nodeLogFs, signal, onProgress } = options
  const signatures = new SignatureQueue(trusted)
  const tree = new MerkleTree()
  let previous: LogRecord | null = null
  let found: LogBreak | null = null
  let torn = false
  for await (const line of readLines(fs, logPaths(folder).log)) {
    signal?.throwIfAborted()
    if (!line.complete) {
      torn = true
      break
    }
    const record = readRecord(line.bytes)
    found = record === null ? breakAt('format', tree.size) : misplaced(record, previous, tree.size)
    if (found !== null || record === null) break
    await signatures.add(record.envelope, tree.size)
    tree.add(leafHash(line.bytes))
    previous = record
    if (tree.size % 1024 === 0) onProgress?.(tree.size)
  }
  const unsigned = await signatures.firstBad()
  onProgress?.(tree.size)
  // A bad signature comes before anything the scan stopped at: the scan had already passed it.
  if (unsigned !== null) return { tree, break: unsigned, torn: false }
  return { tree, break: found, torn }
}

class SignatureQueue {
  readonly #trusted: readonly PublicKey[]
  #pending: Promise<LogBreak | null>[] = []
  #bad: LogBreak | null = null

  constructor(trusted: readonly PublicKey[]) {
    this.#trusted = trusted
  }

  /** Starts a check; waits for the oldest one when many are under way. */
  async add(envelope: Envelope, index: number): Promise<void> {
    this.#pending.push(checkSignature(envelope, { index, trusted: this.#trusted }))
    if (this.#pending.length >= WINDOW) this.#bad ??= (await this.#pending.shift()) ?? null
  }

  async firstBad(): Promise<LogBreak | null> {
    for (const result of await Promise.all(this.#pending)) this.#bad ??= result
    this.#pending = []
    return this.#bad
  }
}

async function checkSignature(
  envelope: Envelope,
  { index, trusted }: { index: number; trusted: readonly PublicKey[] },
): Promise<LogBreak | null> {
  try {
    await verifyEnvelope(envelope, trusted)
    return null
  } catch (error) {
    if (!(error instanceof StatePackError)) throw error
    return breakAt(error.details.known === true ? 'signature' : 'unknown_key', index)
  }
}

function readRecord(bytes: Buffer): LogRecord | null {
  try {
    return parseLine(bytes)
  } catch {
    return null
  }
}

function misplaced({ receipt }: LogRecord, previous: LogRecord | null, index: number): LogBreak | null {
  if (receipt.seq !== index) return breakAt('order', index)
  if (receipt.prev !== (previous?.receipt.receipt_id ?? null)) return breakAt('chain', index)
  const group = previous?.receipt.observed.group ?? -1
  // A flush starts with its own first receipt, and its receipts stand together.
  return receipt.observed.group === index || receipt.observed.group === group ? null : breakAt('chain', index)
}

function agrees(checkpoint: Checkpoint, scan: Scan, origin: string | null): boolean {
  return isPrefix(checkpoint, scan.tree) && checkpoint.origin === origin
}

/** Whether a checkpoint is of the first leaves of a tree. */
function isPrefix({ size, root }: Checkpoint, tree: MerkleTree): boolean {
  return size <= tree.size && tree.root(size).equals(root)
}

interface Evidence {
  readonly scan: Scan
  /** Leaf hashes of index.bin: believed only as far as they give a checkpoint's root. */
  readonly recorded: MerkleTree
  /** Size up to which a checkpoint from outside agrees. */
  readonly known: number
  readonly origin: string | null
}

/** Where a checkpoint and the log part; null when the break that the scan found explains it. */
function locate(checkpoint: Checkpoint, { scan, recorded, known, origin }: Evidence): LogBreak | null {
  const { tree } = scan
  if (isPrefix(checkpoint, recorded)) {
    for (let i = 0; i < Math.min(checkpoint.size, tree.size); i++)
      if (!recorded.leaf(i).equals(tree.leaf(i))) return breakAt('fork', i)
  }
  if (origin !== null && checkpoint.origin !== origin) return breakAt('fork', 0)
  if (scan.break !== null && scan.break.index < checkpoint.size) return null
  if (checkpoint.size > tree.size) return breakAt('truncated', tree.size)
  return { ...breakAt('fork', known), exact: checkpoint.size === known + 1 }
}

const MESSAGES: Readonly<Record<BreakKind, string>> = {
  format: 'is not a receipt in the form this log writes: it was edited',
  signature: 'does not carry its own signature: it was edited',
  unknown_key: 'is signed by a key that is not trusted here',
  order: 'is missing at its place: receipts were removed, moved, inserted or repeated',
  chain: 'does not continue the receipt before it',
  truncated: 'is missing: the end of the log was cut off',
  fork: 'is not the one that was written: a checkpoint saw another history',
}

function breakAt(kind: BreakKind, index: number): LogBreak {
  return { kind, index, exact: true, message: `Receipt ${receiptNumber(index)} ${MESSAGES[kind]}.` }
}

function given(checkpoint: string | readonly string[] | undefined): readonly string[] {
  return typeof checkpoint === 'string' ? [checkpoint] : (checkpoint ?? [])
}
