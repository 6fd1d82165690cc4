import { Tensor } from 'onnxruntime-node'
import { StatePackError } from '#shared/domain/error.ts'
import { BatchKv } from './batchKv.ts'
import { BatchRecurrent } from './batchRecurrent.ts'
import type { KvLayerGeometry, SsmLayerGeometry } from './layers.ts'
import type { MemoryTier } from './memoryTier.ts'
import type { Session } from './session.ts'
import type { SessionHost } from './sessionHost.ts'
import { BLOCK_TOKENS, type StateSnapshot } from './stateSnapshot.ts'
import type { MemoryHold } from './tierEntry.ts'

interface Row {
  readonly session: Session
  /** As it came in: its blocks, all full, are shared, not read back. */
  readonly base: StateSnapshot
  /** After its last token. */
  readonly logits: Float32Array
  position: number
  processed: number
}

/** Its buffers as the tier counts them. */
interface Held {
  readonly hold: MemoryHold
  readonly bytes: number
  isUsed: boolean
}

/**
 * Sessions of one model that advance together, one token each, in one pass: the weights are read once for all of them.
 * They may have any lengths, and join and leave between steps; while a session is in the batch it runs nothing itself.
 *
 * A batch is for generating. Texts are read in sessions, where one pass takes many tokens: the attention operator takes
 * many rows or many tokens onto a past, not both. Numbers equal a session's to within rounding (another kernel), so token
 * ids are the same but for ties.
 */
export class DecodeBatch {
  readonly #host: SessionHost
  readonly #kv: BatchKv | null
  readonly #recurrent: BatchRecurrent | null
  readonly #tier: MemoryTier
  readonly #label: string
  /** null: whose session has left; the next step puts another there. */
  #rows: (Row | null)[] = []
  /** Of all rows, filled anew by each step. */
  #logits = new Float32Array(0)
  #isJoining = false
  #isClosed = false
  #held: Held | null = null

  constructor(
    host: SessionHost,
    layers: { readonly kv: readonly KvLayerGeometry[]; readonly ssm: readonly SsmLayerGeometry[] },
    { tier, label }: { readonly tier: MemoryTier; readonly label: string },
  ) {
    this.#host = host
    this.#tier = tier
    this.#label = label
    this.#kv = layers.kv.length === 0 ? null : new BatchKv(layers.kv)
    this.#recurrent = layers.ssm.length === 0 ? null : new BatchRecurrent(layers.ssm)
  }

  get sessions(): readonly Session[] {
    return this.#present.map(({ session }) => session)
  }

  /** Bytes of its buffers once a session of `position` tokens has joined. */
  bytesWith(position: number): number {
    return (this.#kv?.bytesWith(this.#nextRow, position) ?? 0) + (this.#recurrent?.bytes ?? 0)
  }

  /**
   * Takes a session in, with its state; it is the batch's until it leaves. One at a time, and no step meanwhile. Throws what
   * {@link Session.lend} throws.
   */
  async join(session: Session): Promise<void> {
    let row = this.#nextRow
    this.#isJoining = true
    try {
      const kv = this.#kv
      const base = await session.lend(blocks => {
        if (kv === null) throw new Error('keys and values of a model that has none')
        row = kv.rowFor(blocks, this.#freeRows)
        const place = kv.place(row, session.position, blocks)
        this.#count()
        return place
      })
      this.#recurrent?.add(row, base)
      this.#rows[row] = {
        session,
        base,
        logits: new Float32Array(this.#host.vocabSize),
        position: base.position,
        processed: 0,
      }
    } catch (error) {
      this.#kv?.forget(row)
      throw error
    } finally {
      this.#isJoining = false
      this.#count()
    }
  }

  /**
   * Gives a session its state back. Copies what it has read here and its unfinished block, not its base. `isLast`: nobody goes on from it, so
   * nothing is copied, and the session is closed.
   */
  leave(session: Session, { isLast = false }: { readonly isLast?: boolean | undefined } = {}): void {
    const row = this.#rows.findIndex(candidate => candidate?.session === session)
    const found = this.#rows[row]
    if (found == null) return
    const state = isLast ? null : this.#read(row, found)
    this.#rows[row] = null
    this.#count()
    session.takeBack(state, found.processed)
  }

  #read(row: number, { base, position }: Row): StateSnapshot {
    const from = base.blocks.length * BLOCK_TOKENS
    return {
      ...base,
      position,
      blocks: this.#kv === null ? [] : [...base.blocks, ...this.#kv.read(row, from, position)],
      recurrent: this.#recurrent?.read(row) ?? [],
    }
  }

  /**
   * Reads one token for each session that is named; the others wait. `inTurn`: the caller has the runtime's turn. Returns the logits after
   * it, `[vocab]` each, which are the session's until its next step. Throws `E_INFERENCE`; then every session stands where it stood. Tokens and room for them are the caller's to check.
   */
  async step(
    tokens: ReadonlyMap<Session, number>,
    { inTurn = false }: { readonly inTurn?: boolean } = {},
  ): Promise<Map<Session, Float32Array>> {
    const { vocabSize, contextLength } = this.#host
    const rows = this.#closeRanks()
    // Fresh ones at each step would have the garbage collector at work all the time.
    if (this.#logits.length < rows.length * vocabSize) this.#logits = new Float32Array(rows.length * vocabSize)
    const logits = this.#logits.subarray(0, rows.length * vocabSize)
    const ids = BigInt64Array.from(rows, ({ session }) => BigInt(tokens.get(session) ?? 0))
    const feeds: Record<string, Tensor> = {
      input_ids: new Tensor('int64', ids, [rows.length, 1]),
      num_logits: new Tensor('int64', BigInt64Array.of(1n), []),
    }
    const outputs: Record<string, Tensor> = { logits: new Tensor('float32', logits, [rows.length, 1, vocabSize]) }
    const waits = rows.map(({ session }) => !tokens.has(session))
    this.#kv?.prepare({ positions: rows.map(({ position }) => position), waits, contextLength }, feeds, outputs)
    this.#recurrent?.prepare(rows.length, feeds, outputs)
    this.#count()
    try {
      await this.#host.run(feeds, outputs, { inTurn })
    } catch (error) {
      this.#kv?.finish()
      throw new StatePackError('E_INFERENCE', 'A step of several sessions together failed.', {}, error)
    }
    this.#kv?.finish()
    this.#recurrent?.finish(waits)
    const after = new Map<Session, Float32Array>()
    for (const [index, row] of rows.entries()) {
      if (waits[index]) continue
      row.position += 1
      row.processed += 1
      row.logits.set(logits.subarray(index * vocabSize, (index + 1) * vocabSize))
      after.set(row.session, row.logits)
    }
    return after
  }

  /** Frees its buffers, as soon as nobody is in it any more. */
  close(): void {
    this.#isClosed = true
    this.#count()
  }

  get #present(): Row[] {
    return this.#rows.filter(row => row !== null)
  }

  /** Where the next session may go: in the place of any that has left, else behind all. */
  get #freeRows(): readonly number[] {
    const gone = [...this.#rows.keys()].filter(row => this.#rows[row] === null)
    return gone.length === 0 ? [this.#rows.length] : gone
  }

  get #nextRow(): number {
    return this.#freeRows[0] ?? 0
  }

  /** Whoever is last takes the place of one that has left: several that leave at once move nobody. */
  #closeRanks(): readonly Row[] {
    const present = this.#present
    for (let from = this.#rows.length - 1; from >= present.length; from--) {
      const row = this.#rows[from]
      if (row == null) continue
      const to = this.#rows.indexOf(null)
      this.#kv?.move(from, to)
      this.#recurrent?.move(from, to)
      this.#rows[to] = row
    }
    this.#rows.length = present.length
    return this.#present
  }

  /** Its buffers, in the tier that all running sessions are counted in; with nobody in it they may be given up. */
  #count(): void {
    const isUsed = this.#isJoining || this.#rows.some(row => row !== null)
    if (this.#isClosed && !isUsed) {
      this.#held?.hold.drop()
      this.#letGo()
    }
    const bytes = (this.#kv?.bytes ?? 0) + (this.#recurrent?.bytes ?? 0)
    const held = this.#held
    if (bytes === held?.bytes) {
      if (isUsed && !held.isUsed) held.hold.use(this.#label)
      if (!isUsed && held.isUsed) held.hold.rest()
      held.isUsed = isUsed
      return
    }
    held?.hold.drop()
    this.#held = bytes === 0 ? null : this.#hold(bytes)
  }

  #hold(bytes: number): Held {
    const hold = this.#tier.hold(
      {
        ...{ label: this.#label, bytes, cost: 0, from: 'new', below: 'gone' },
        reason: 'sessions advance together',
        evict: () => this.#letGo(),
      },
      { inUse: true },
    )
    return { hold, bytes, isUsed: true }
  }

  #letGo(): void {
    this.#held = null
    this.#rows = []
    this.#logits = new Float32Array(0)
    this.#kv?.free()
    this.#recurrent?.free()
  }
}
