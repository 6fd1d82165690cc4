/**
 * The receipt log of a store, docs/format.md "Receipts": one signed receipt a line, append-only, several processes at once.
 *
 * Appending: receipts waiting at the same time are written together. Under the lock between processes the log takes in what
 * others appended, numbers and signs its own, writes them in one write, syncs once, and only then acknowledges them all.
 */
import { join } from 'node:path'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'
import { StatePackError, toStatePackError } from '#shared/domain/error.ts'
import { type Receipt, type ReceiptDraft, type ReceiptOp, receiptNumber } from '#shared/domain/receipt.ts'
import { ProcessLock } from '../processLock.ts'
import { verifyEnvelope } from './dsse.ts'
import type { KeyRing } from './keys.ts'
import { type LogFs, type LogPaths, logPaths, nodeLogFs } from './logFile.ts'
import { LogIndex } from './logIndex.ts'
import { consistencyIn, inclusionIn } from './logProofs.ts'
import {
  exportLog,
  listReceipts,
  newestNaming,
  type ReceiptFilter,
  type ReceiptPage,
  readRecord,
} from './logQueries.ts'
import { type LogState, loadState, readAppended } from './logState.ts'
import { checkpointNote, type Writing, writeGroup } from './logWriter.ts'
import { makings } from './makings.ts'
import { putAside } from './putAside.ts'
import { parseDraft, receiptOf, receiptStatement } from './statement.ts'
import { writeCheckpoint } from './storedCheckpoints.ts'
import { type LogReport, type VerifyOptions, verifyLog } from './verifyLog.ts'

export interface ReceiptLogOptions {
  readonly keys: KeyRing
  readonly fs?: LogFs
  readonly readOnly?: boolean
  /** Clock for drafts that do not say when their operation ended. */
  readonly now?: () => Date
}

/** Receipts per disk flush at most: bounds the memory of one write. */
const MAX_GROUP = 4096

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
  #state: LogState
  #lock: ProcessLock | null = null
  #waiting: Waiting[] = []
  #flushing: Promise<void> | null = null
  #refreshing: Promise<unknown> | null = null

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

  /**
   * The receipt a draft would get as the next one, signed and not kept: what an operation on a log that cannot be written
   * has to show for itself. Throws `E_BAD_INPUT`.
   */
  sign(draft: ReceiptDraft): Receipt {
    const { index } = this.#state
    const { now = () => new Date(), keys } = this.#options
    const place = { seq: index.count, prev: index.ids.at(-1) ?? null, group: index.count, at: now().toISOString() }
    return receiptOf(receiptStatement(draft, place), keys.current.keyid)
  }

  /** The receipt with this id, its signature checked. Throws `E_NOT_FOUND`, `E_RECEIPT_LOG` when its line was changed. */
  async get(id: Digest | string): Promise<Receipt> {
    await this.#refresh()
    if (this.#state.index.seqOf(parseDigest(id)) === undefined) await this.#flushing
    const seq = this.#state.index.seqOf(parseDigest(id))
    if (seq === undefined) throw new StatePackError('E_NOT_FOUND', 'There is no such receipt in this store.', { id })
    const { receipt, envelope } = await readRecord(this.#reading(), seq)
    await verifyEnvelope(envelope, this.#options.keys.trusted)
    if (receipt.receipt_id !== id && receipt.receipt_id !== parseDigest(id)) {
      throw new StatePackError('E_RECEIPT_LOG', `Receipt ${receiptNumber(seq)} was changed after it was written.`, {
        index: seq,
      })
    }
    return receipt
  }

  /** Id and operation of receipt `seq` as they were written, even when its line can no longer be read. */
  entryAt(seq: number): { readonly id: Digest; readonly op: ReceiptOp } | null {
    const [id, op] = [this.#state.index.ids[seq], this.#state.index.ops[seq]]
    return id === undefined || op === undefined ? null : { id, op }
  }

  /** Receipts by filter, newest first unless asked otherwise, one page at a time. */
  async list(filter: ReceiptFilter = {}): Promise<ReceiptPage> {
    await this.#refresh()
    return listReceipts(this.#reading(), filter)
  }

  /** The newest receipt about each of these digests; see {@link newestNaming}. */
  async newestAbout(digests: ReadonlySet<Digest>): Promise<Map<Digest, Digest>> {
    await this.#refresh()
    return newestNaming(this.#reading(), digests)
  }

  /** True when a trusted key signed that this installation made the packet itself: the basis of "not restricted". */
  async vouchesFor(packet: Digest): Promise<boolean> {
    return (await (await this.#makings(packet)).next()).done !== true
  }

  /** The newest line in which a trusted key signed that this installation computed the packet; null when there is none. */
  async madeBy(packet: Digest): Promise<Uint8Array | null> {
    for await (const { line, receipt } of await this.#makings(packet)) {
      // One that was there already was not computed then.
      if (receipt.details.cache_hit !== true) return line
    }
    return null
  }

  async #makings(packet: Digest) {
    await this.#refresh()
    return makings(this.#reading(), { packet, trusted: this.#options.keys.trusted })
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
    if (this.#state.broken !== null) throw this.#state.broken
    if (this.count === 0)
      throw new StatePackError('E_NOT_FOUND', 'There is no receipt yet, so there is nothing to checkpoint.')
    const note = checkpointNote(this.#state.index, this.#options.keys)
    if (this.#options.readOnly !== true) {
      await writeCheckpoint(this.#options.fs, join(this.#paths.checkpoints, String(this.count)), {
        note,
        durable: true,
      })
    }
    return note
  }

  /** See {@link inclusionIn}. */
  async proveInclusion(seq: number) {
    await this.#refresh()
    return inclusionIn(this.#state.index, seq)
  }

  /** See {@link consistencyIn}. */
  async proveConsistency(oldSize: number) {
    await this.#refresh()
    return consistencyIn(this.#state.index, oldSize)
  }

  /**
   * Closes a damaged log and begins a new one: the old one goes, as evidence, to `aside-<n>` beside it, and the first receipt
   * of the new one signs what was left of it: how many receipts still held, the id of the last of them, what was wrong.
   * Throws `E_CONFLICT` for a log that holds, `E_READ_ONLY`, `E_DISK_FULL`, `E_IO`.
   */
  async startNew(): Promise<{ readonly receipt: Receipt; readonly aside: string }> {
    if (this.#options.readOnly === true)
      throw new StatePackError('E_READ_ONLY', 'This receipt log was opened for reading.')
    const report = await this.verify()
    const problem = report.break
    if (problem === null)
      throw new StatePackError('E_CONFLICT', 'Every receipt of this log holds: there is nothing to close.')
    const held = Math.min(problem.index, this.count)
    const head = this.#state.index.ids[held - 1]
    await this.#refreshing
    return this.#withLock(async () => {
      const aside = await putAside(this.#options.fs, this.#paths)
      this.#state = { index: new LogIndex(), broken: null, indexed: 0 }
      const inputs = head === undefined ? [] : [{ role: 'receipt', digest: head }]
      const details = { closed: aside, closed_count: held, closed_head: head ?? null, reason: problem.message }
      const written: Receipt[] = []
      await writeGroup(this.#writing(), [{ op: 'begin', inputs, details }], receipts => written.push(...receipts))
      const [receipt] = written
      if (receipt === undefined) throw new StatePackError('E_INTERNAL', 'The first receipt was not written.')
      return { receipt, aside }
    })
  }

  /**
   * Another process may have closed this log and begun a new one: it is taken up when its first receipt names, as the last
   * that held, one that this process knows.
   */
  async #takeUpNew(): Promise<boolean> {
    const { fs, keys } = this.#options
    const state = await loadState({ fs, paths: this.#paths, trusted: keys.trusted })
    if (state.broken !== null || state.index.ops[0] !== 'begin') return false
    const { receipt, envelope } = await readRecord({ ...this.#reading(), index: state.index }, 0)
    await verifyEnvelope(envelope, keys.trusted)
    const { closed_head: head, closed_count: held } = receipt.details
    const known = typeof held === 'number' && (this.#state.index.ids[held - 1] ?? null) === head
    if (known) this.#state = state
    return known
  }

  /** Waits for what is being written, then lets go of the lock file. */
  async close(): Promise<void> {
    await this.#flushing
    this.#lock?.close()
    this.#lock = null
  }

  async #flushAll(): Promise<void> {
    // Let everything that is appended in this turn join the first group.
    await this.#refreshing
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, MAX_GROUP)
      try {
        const drafts = group.map(waiting => waiting.draft)
        const acknowledge = (receipts: readonly Receipt[]) => {
          for (const [i, { resolve }] of group.entries()) resolve(receipts[i] as Receipt)
        }
        await this.#withLock(async () => {
          try {
            await writeGroup(this.#writing(), drafts, acknowledge)
          } catch (error) {
            if (!(await this.#isTakenUp(error))) throw error
            await writeGroup(this.#writing(), drafts, acknowledge)
          }
        })
      } catch (error) {
        for (const { reject } of group) reject(toStatePackError(error))
      }
    }
    this.#flushing = null
  }

  async #isTakenUp(error: unknown): Promise<boolean> {
    return toStatePackError(error).code === 'E_RECEIPT_LOG' && (await this.#takeUpNew().catch(() => false))
  }

  #writing(): Writing {
    const { fs, keys, now = () => new Date() } = this.#options
    return { fs, keys, now, paths: this.#paths, state: this.#state }
  }

  #reading() {
    return { fs: this.#options.fs, paths: this.#paths, index: this.#state.index }
  }

  /** Takes in what other processes have appended since. A flush does so itself, and the two never run at once. */
  async #refresh(): Promise<void> {
    if (this.#flushing !== null || this.#state.broken !== null) return
    this.#refreshing ??= readAppended({ ...this.#reading(), trusted: this.#options.keys.trusted }).finally(() => {
      this.#refreshing = null
    })
    await this.#refreshing
  }

  #withLock<T>(work: () => Promise<T>): Promise<T> {
    this.#lock ??= new ProcessLock(this.#paths.lock)
    return this.#lock.exclusive(work)
  }
}
