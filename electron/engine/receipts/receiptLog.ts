/**
 * The receipt log of a store, docs/format.md "Receipts": one signed receipt a line, append-only, several processes at once.
 *
 * Appending: receipts waiting at the same time are written together. Under the lock between processes the log takes in what
 * others appended, numbers and signs its own, writes them in one write, syncs once, and only then acknowledges them all.
 */
import { join } from 'node:path'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'
import { StatePackError, toStatePackError } from '#shared/domain/error.ts'
import type { Receipt, ReceiptDraft } from '#shared/domain/receipt.ts'
import { canonicalBytes } from '../canonicalJson.ts'
import { logOrigin, signCheckpoint } from './checkpoint.ts'
import { IN_TOTO_TYPE, signEnvelope, verifyEnvelope } from './dsse.ts'
import type { KeyRing } from './keys.ts'
import { type LogFs, type LogPaths, logPaths, nodeLogFs } from './logFile.ts'
import { encodeIndexEntry, type IndexEntry } from './logIndex.ts'
import { exportLog, listReceipts, type ReceiptFilter, type ReceiptPage, readRecord } from './logQueries.ts'
import { catchUp, cutTo, type LogState, loadState, readAppended } from './logState.ts'
import { consistencyProof, inclusionProof, leafHash } from './merkle.ts'
import { openProcessLock, type ProcessLock, type WithLock } from './processLock.ts'
import { parseDraft, receiptId, receiptOf, receiptStatement } from './statement.ts'
import { syncFolder, writeCheckpoint } from './storedCheckpoints.ts'
import { type LogReport, type VerifyOptions, verifyLog } from './verifyLog.ts'

export interface ReceiptLogOptions {
  readonly keys: KeyRing
  /** The lock between processes; by default one of the log's own. */
  readonly withLock?: WithLock
  readonly fs?: LogFs
  readonly readOnly?: boolean
  /** Clock for drafts that do not say when their operation ended. */
  readonly now?: () => Date
}

/** Receipts per disk flush at most: bounds the memory of one write. */
const MAX_GROUP = 4096
/** A checkpoint is written durably, under its size, each time the log passes a multiple of this. */
const CHECKPOINT_EVERY = 1000

interface Waiting {
  readonly draft: ReceiptDraft
  readonly resolve: (receipt: Receipt) => void
  readonly reject: (error: unknown) => void
}

/** Opens (or starts) the receipt log in `folder`, usually `<store>/receipts`. A damaged log opens: it can still be read and verified. */
export async function openReceiptLog(folder: string, options: ReceiptLogOptions): Promise<ReceiptLog> {
  const fs = options.fs ?? nodeLogFs
  const paths = logPaths(folder)
  if (options.readOnly !== true) await fs.mkdir(paths.checkpoints, { recursive: true, mode: 0o700 })
  const state = await loadState({ fs, paths, trusted: options.keys.trusted })
  return new ReceiptLog(paths, state, { ...options, fs })
}

export class ReceiptLog {
  readonly #paths: LogPaths
  readonly #options: ReceiptLogOptions & { readonly fs: LogFs }
  readonly #state: LogState
  #lock: ProcessLock | null = null
  #waiting: Waiting[] = []
  #flushing: Promise<void> | null = null

  constructor(paths: LogPaths, state: LogState, options: ReceiptLogOptions & { readonly fs: LogFs }) {
    this.#paths = paths
    this.#state = state
    this.#options = options
  }

  /** Receipts this process knows of. */
  get count(): number {
    return this.#state.index.count
  }

  /**
   * Signs a receipt and appends it. Resolves once it is on disk for good; until then it is nowhere. Throws `E_BAD_INPUT` for a
   * wrong draft, `E_RECEIPT_LOG` when the log was tampered with, `E_READ_ONLY`, `E_STORE_BUSY`, `E_DISK_FULL`, `E_IO`.
   */
  async append(draft: ReceiptDraft): Promise<Receipt> {
    if (this.#options.readOnly === true)
      throw new StatePackError('E_READ_ONLY', 'This receipt log was opened for reading.')
    parseDraft(draft)
    const done = new Promise<Receipt>((resolve, reject) => this.#waiting.push({ draft, resolve, reject }))
    this.#flushing ??= this.#flushAll()
    return done
  }

  /** The receipt with this id, its signature checked. Throws `E_NOT_FOUND`, `E_RECEIPT_LOG` when its line was changed. */
  async get(id: Digest | string): Promise<Receipt> {
    await this.#refresh()
    const seq = this.#state.index.seqOf(parseDigest(id))
    if (seq === undefined) throw new StatePackError('E_NOT_FOUND', 'There is no such receipt in this store.', { id })
    const { receipt, envelope } = await readRecord(this.#reading(), seq)
    await verifyEnvelope(envelope, this.#options.keys.trusted)
    if (receipt.receipt_id !== id && receipt.receipt_id !== parseDigest(id)) {
      throw new StatePackError('E_RECEIPT_LOG', `Receipt ${seq} was changed after it was written.`, { index: seq })
    }
    return receipt
  }

  /** Receipts newest first, one page at a time; `next` continues where the page ended. */
  async list(filter: ReceiptFilter = {}): Promise<ReceiptPage> {
    await this.#refresh()
    return listReceipts(this.#reading(), filter)
  }

  /** The log as JSON lines: `envelopes` gives the exact signed lines, `receipts` the readable form. */
  async *export(form: 'envelopes' | 'receipts' = 'envelopes'): AsyncGenerator<Uint8Array> {
    await this.#refresh()
    yield* exportLog(this.#reading(), form)
  }

  /** Checks everything from the files as they are now; see {@link verifyLog}. */
  async verify(options: Omit<VerifyOptions, 'trusted' | 'fs'> = {}): Promise<LogReport> {
    await this.#flushing
    return verifyLog(this.#paths.folder, { ...options, trusted: this.#options.keys.trusted, fs: this.#options.fs })
  }

  /** A signed checkpoint of the log now, also kept durably in the store. Keep a copy outside: it is what proves a cut tail. */
  async checkpoint(): Promise<string> {
    await this.#flushing
    await this.#refresh()
    if (this.count === 0)
      throw new StatePackError('E_NOT_FOUND', 'There is no receipt yet, so there is nothing to checkpoint.')
    const note = this.#note()
    if (this.#options.readOnly !== true) {
      await writeCheckpoint(this.#options.fs, join(this.#paths.checkpoints, String(this.count)), {
        note,
        durable: true,
      })
    }
    return note
  }

  /** RFC 6962 proof that receipt `seq` is in the log of now. Hashes are base64. */
  async proveInclusion(seq: number) {
    await this.#refresh()
    const { leaves, frontier } = this.#state.index
    const leaf = leaves[seq]
    if (leaf === undefined) throw new StatePackError('E_NOT_FOUND', `There is no receipt ${seq}.`, { seq })
    return {
      leaf: base64(leaf),
      index: seq,
      size: leaves.length,
      root: base64(frontier.root()),
      proof: inclusionProof(leaves, seq).map(base64),
    }
  }

  /** RFC 6962 proof that the log of `oldSize` receipts is a prefix of the log of now. Hashes are base64. */
  async proveConsistency(oldSize: number) {
    await this.#refresh()
    const { leaves, frontier } = this.#state.index
    if (oldSize > leaves.length)
      throw new StatePackError('E_NOT_FOUND', `The log has fewer than ${oldSize} receipts.`, { oldSize })
    return {
      oldSize,
      newSize: leaves.length,
      newRoot: base64(frontier.root()),
      proof: consistencyProof(leaves, oldSize).map(base64),
    }
  }

  /** Waits for what is being written, then lets go of the lock file. */
  async close(): Promise<void> {
    await this.#flushing
    this.#lock?.close()
    this.#lock = null
  }

  async #flushAll(): Promise<void> {
    // Let everything that is appended in this turn join the first group.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, MAX_GROUP)
      try {
        const receipts = await this.#withLock(() => this.#write(group))
        for (const [i, { resolve }] of group.entries()) resolve(receipts[i] as Receipt)
      } catch (error) {
        for (const { reject } of group) reject(toStatePackError(error))
      }
    }
    this.#flushing = null
  }

  /** Under the lock: number, sign, write, sync. All or none of the group is acknowledged. */
  async #write(group: readonly Waiting[]): Promise<Receipt[]> {
    const { fs, keys } = this.#options
    await catchUp({ fs, paths: this.#paths, trusted: keys.trusted, state: this.#state })
    const { index } = this.#state
    const first = index.count
    const offset = index.bytes
    const at = (this.#options.now?.() ?? new Date()).toISOString()
    const lines: Buffer[] = []
    const entries: IndexEntry[] = []
    const receipts: Receipt[] = []
    let prev = index.ids.at(-1) ?? null
    let end = offset
    for (const [i, { draft }] of group.entries()) {
      const statement = receiptStatement(draft, { seq: first + i, prev, group: first, at })
      const line = signEnvelope(IN_TOTO_TYPE, canonicalBytes(statement), keys.current)
      prev = receiptId(statement)
      end += line.length + 1
      lines.push(Buffer.from(line), Buffer.from('\n'))
      entries.push({ end, leaf: leafHash(line), id: prev })
      receipts.push(receiptOf(statement, keys.current.keyid))
    }
    await this.#writeLines(Buffer.concat(lines), offset)
    for (const entry of entries) index.add(entry)
    await this.#writeDerived(first)
    return receipts
  }

  async #writeLines(bytes: Buffer, offset: number): Promise<void> {
    const { fs } = this.#options
    const handle = await fs.open(this.#paths.log, offset === 0 ? 'w' : 'r+', 0o600)
    try {
      for (let done = 0; done < bytes.length; ) {
        done += (await handle.write(bytes, done, bytes.length - done, offset + done)).bytesWritten
      }
      await handle.sync()
    } catch (error) {
      // Nobody was told that these exist. If even this fails, the next writer cuts them off.
      await cutTo(fs, this.#paths.log, offset).catch(() => undefined)
      throw error
    } finally {
      await handle.close()
    }
    if (offset === 0) await syncFolder(fs, this.#paths.folder)
  }

  /** Checkpoint and index. The receipts are already safe, so a failure here costs speed or evidence later, not the operation. */
  async #writeDerived(first: number): Promise<void> {
    const { fs } = this.#options
    try {
      await writeCheckpoint(fs, this.#paths.latest, { note: this.#note(), durable: false })
      if (Math.floor(first / CHECKPOINT_EVERY) !== Math.floor(this.count / CHECKPOINT_EVERY)) {
        await writeCheckpoint(fs, join(this.#paths.checkpoints, String(this.count)), {
          note: this.#note(),
          durable: true,
        })
      }
      await this.#writeIndex(first)
    } catch {
      // Rewritten by the next flush, or rebuilt on open.
    }
  }

  async #writeIndex(first: number): Promise<void> {
    const { index } = this.#state
    const handle = await this.#options.fs.open(this.#paths.index, 'a+', 0o600)
    try {
      const stored = Math.floor((await handle.stat()).size / 72)
      // Another process may have died between its receipts and its index, or left an index of a longer, cut log.
      const from = Math.min(stored, first)
      await handle.truncate(from * 72)
      const records: Buffer[] = []
      for (let seq = from; seq < index.count; seq++) {
        const leaf = index.leaves[seq]
        const id = index.ids[seq]
        const end = index.ends[seq]
        if (leaf !== undefined && id !== undefined && end !== undefined)
          records.push(encodeIndexEntry({ end, leaf, id }))
      }
      await handle.appendFile(Buffer.concat(records))
    } finally {
      await handle.close()
    }
  }

  #note(): string {
    const { leaves, frontier } = this.#state.index
    const root = frontier.root()
    return signCheckpoint(
      { origin: logOrigin(leaves[0] ?? root), size: leaves.length, root },
      this.#options.keys.current,
    )
  }

  #reading() {
    return { fs: this.#options.fs, paths: this.#paths, index: this.#state.index }
  }

  /** Takes in what other processes have appended since. */
  async #refresh(): Promise<void> {
    if (this.#flushing !== null || this.#state.broken !== null) return
    await readAppended({
      fs: this.#options.fs,
      paths: this.#paths,
      trusted: this.#options.keys.trusted,
      index: this.#state.index,
    })
  }

  #withLock<T>(work: () => Promise<T>): Promise<T> {
    if (this.#options.withLock !== undefined) return this.#options.withLock(work)
    this.#lock ??= openProcessLock(this.#paths.lock)
    return this.#lock.withLock(work)
  }
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64')
}
