import { Tensor } from 'onnxruntime-node'
import { StatePackError } from '#shared/domain/error.ts'
import { BatchKv } from './batchKv.ts'
import { BatchRecurrent } from './batchRecurrent.ts'
import type { KvLayerGeometry, SsmLayerGeometry } from './layers.ts'
import type { MemoryHold, MemoryTier } from './memoryTier.ts'
import type { Session, SessionHost } from './session.ts'
import { BLOCK_TOKENS, type StateSnapshot } from './stateSnapshot.ts'

interface Row {
  readonly session: Session
  /** As it came in: its full blocks are shared, not read back. */
  readonly base: StateSnapshot
  position: number
  processed: number
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
  readonly #rows: Row[] = []
  #hold: MemoryHold | null = null

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
    return this.#rows.map(({ session }) => session)
  }

  /** Bytes of its buffers once a session of `position` tokens has joined. */
  bytesWith(position: number): number {
    return (this.#kv?.bytesWith(position) ?? 0) + (this.#recurrent?.bytes ?? 0)
  }

  /** Takes a session in, with its state; it is the batch's until it leaves. Throws what {@link Session.lend} throws. */
  async join(session: Session): Promise<void> {
    const base = await session.lend()
    try {
      await this.#kv?.add(base)
    } catch (error) {
      session.takeBack(base, 0)
      throw error
    }
    this.#recurrent?.add(base)
    this.#rows.push({ session, base, position: base.position, processed: 0 })
    this.#count()
  }

  /** Gives a session its state back. Copies what it has read here and its unfinished block, not its base. */
  leave(session: Session): void {
    const row = this.#rows.findIndex(candidate => candidate.session === session)
    const found = this.#rows[row]
    if (found === undefined) return
    const { base, position, processed } = found
    const shared = base.blocks.filter(({ tokens }) => tokens === BLOCK_TOKENS)
    const from = shared.length * BLOCK_TOKENS
    const state = {
      ...base,
      position,
      blocks: this.#kv === null ? [] : [...shared, ...this.#kv.read(row, from, position)],
      recurrent: this.#recurrent?.read(row) ?? [],
    }
    this.#kv?.remove(row)
    this.#recurrent?.remove(row)
    const last = this.#rows.pop()
    if (last !== undefined && last !== found) this.#rows[row] = last
    this.#count()
    session.takeBack(state, processed)
  }

  /**
   * Reads one token for each session that is named; the others wait. `inTurn`: the caller has the runtime's turn. Returns the logits after it, `[vocab]` each. Throws
   * `E_INFERENCE`; then every session stands where it stood. Tokens and room for them are the caller's to check.
   */
  async step(
    tokens: ReadonlyMap<Session, number>,
    { inTurn = false }: { readonly inTurn?: boolean } = {},
  ): Promise<Map<Session, Float32Array>> {
    const { vocabSize, contextLength } = this.#host
    const rows = this.#rows.length
    const logits = new Float32Array(rows * vocabSize)
    const ids = BigInt64Array.from(this.#rows, ({ session }) => BigInt(tokens.get(session) ?? 0))
    const feeds: Record<string, Tensor> = {
      input_ids: new Tensor('int64', ids, [rows, 1]),
      num_logits: new Tensor('int64', BigInt64Array.of(1n), []),
    }
    const outputs: Record<string, Tensor> = { logits: new Tensor('float32', logits, [rows, 1, vocabSize]) }
    const waits = this.#rows.map(({ session }) => !tokens.has(session))
    this.#kv?.prepare({ positions: this.#rows.map(({ position }) => position), waits, contextLength }, feeds, outputs)
    this.#recurrent?.prepare(feeds, outputs)
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
    for (const [index, row] of this.#rows.entries()) {
      if (waits[index]) continue
      row.position += 1
      row.processed += 1
      after.set(row.session, logits.slice(index * vocabSize, (index + 1) * vocabSize))
    }
    return after
  }

  /** Its buffers, in the tier that all running sessions are counted in. */
  #count(): void {
    this.#hold?.drop()
    this.#hold = null
    const bytes = (this.#kv?.bytes ?? 0) + (this.#recurrent?.bytes ?? 0)
    if (this.#rows.length === 0 || bytes === 0) return
    this.#hold = this.#tier.hold(
      {
        ...{ label: this.#label, bytes, cost: 0, from: 'new', below: 'gone' },
        reason: `${this.#rows.length} sessions advance together`,
        evict: () => {},
      },
      { inUse: true },
    )
  }
}
