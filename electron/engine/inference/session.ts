import type { StateDtype } from '#shared/domain/cartridge.ts'
import { StatePackError, toStatePackError } from '#shared/domain/error.ts'
import { type AppendOptions, assertReadable, rowsOf } from './appendOptions.ts'
import { chunkRun } from './chunkRun.ts'
import type { KvCache } from './kvCache.ts'
import type { KvPlaceFrom } from './kvRows.ts'
import type { RunOptions, SessionHost, SessionState } from './sessionHost.ts'
import { BLOCK_TOKENS, type BlockSink, type KvBlock, type StateSnapshot } from './stateSnapshot.ts'

/** What a session is busy with while something else advances its state. */
const LENT = 'in a batch'

/**
 * One live context. Appending tokens advances it; between two appends it can be captured, forked or (keys and values
 * only) cut back. One operation at a time: a second one while the first is under way is refused with `E_CONFLICT`.
 *
 * On the processor the numbers do not depend on how a text was cut into appends: every position is computed by the same
 * kernels whatever the chunk, so a state that was captured, restored and continued equals, bit for bit, one that was not.
 * (Two exceptions, both in the last bit: a recurrent model whose head count is no multiple of four, and of an export the very
 * last position of the context read alone. Restoring changes nothing in either case; cutting the text otherwise may.)
 */
export class Session implements Disposable {
  readonly #host: SessionHost
  #state: SessionState
  #processed = 0
  #heldMs = 0
  #busy: string | null = null
  #disposed = false

  constructor(host: SessionHost, state: SessionState) {
    this.#host = host
    this.#state = state
  }

  /** Tokens read; the position of the next one. */
  get position(): number {
    return this.#state.position
  }

  /** Tokens this session has really run through the model. Restoring and forking run none. */
  get processed(): number {
    return this.#processed
  }

  /** Seconds in which whoever heard of its progress held it: no part of what reading takes. */
  get secondsHeld(): number {
    return this.#heldMs / 1000
  }

  get kind(): StateSnapshot['kind'] {
    return this.#host.kind
  }

  get vocabSize(): number {
    return this.#host.vocabSize
  }

  get contextLength(): number | null {
    return this.#host.contextLength
  }

  /** Bytes of state copied on the host so far (growing, materialising, capturing); a decode step adds none. */
  get copiedBytes(): number {
    return this.#state.kv?.copiedBytes ?? 0
  }

  /**
   * Runs tokens through the model in chunks of at most 128. All or nothing: cancelled or failed, the session is where
   * it was before (`processed` still counts what ran).
   *
   * @returns the logits asked for: `none` an empty array, `last` `[vocab]`, `all` `[tokens, vocab]`, a number `[n, vocab]`.
   * @throws `E_CONTEXT_LENGTH`, `E_BAD_INPUT` (not a token id), `E_CANCELLED`, `E_INFERENCE`, `E_CONFLICT`.
   */
  async append(tokens: ArrayLike<number>, options: AppendOptions = {}): Promise<Float32Array> {
    assertReadable(this.#host, this.#state.position, tokens)
    return this.#exclusively('append', async () => {
      const { kv, recurrent } = this.#state
      const start = this.#state.position
      const mark = recurrent?.mark()
      try {
        const logits = await this.#prefill(tokens, options)
        if (mark !== undefined) recurrent?.drop(mark)
        return logits
      } catch (error) {
        kv?.truncate(start)
        if (mark !== undefined) recurrent?.back(mark)
        this.#state.position = start
        throw error
      }
    })
  }

  /**
   * The state as plain numbers. Copies only what was added since the last capture; runs no tokens.
   */
  capture(): Promise<StateSnapshot> {
    return this.#exclusively('capture', () => this.#capture())
  }

  /**
   * The same with keys and values given to a sink, those that it does not have yet, one block at a time. `position`: as the state was
   * there; throws what {@link Session.truncate} throws.
   */
  captureInto(sink: BlockSink, position = this.position): Promise<Omit<StateSnapshot, 'blocks'>> {
    return this.#exclusively('capture', async () => {
      if (position !== this.position) this.#assertCut(position)
      await this.#state.kv?.feed(sink, position)
      const { blocks: _, ...rest } = await this.#captured([])
      return { ...rest, position }
    })
  }

  /** Whether all of its state is keys and values that lie on the host: what {@link Session.settle} needs, once it has read a token. */
  get canSettle(): boolean {
    return this.#host.onHost && this.#state.kv !== null && this.#state.recurrent === null
  }

  /**
   * Goes on from its keys and values as a store gives them back, which take no more memory: `blocks` as they were stored, null for
   * one whose numbers are nowhere but here. Returns all, those lent from its buffers until these are written again.
   */
  settle(blocks: readonly (KvBlock | null)[], dtype: StateDtype): Promise<readonly KvBlock[]> {
    return this.#exclusively('settle', async () => (await this.#state.kv?.settle(blocks, dtype)) ?? [])
  }

  /** What its memory is counted under from now on, unless it is closed. */
  belongTo(label: string): void {
    this.#state.kv?.belongTo(label)
  }

  /**
   * A second session that goes its own way from here. The two share their immutable blocks; the fork costs nothing
   * more until it runs.
   */
  fork(): Promise<Session> {
    return this.#exclusively('fork', async () => new Session(this.#host, this.#host.stateOf(await this.#capture())))
  }

  /** Forgets everything from `position` on. Keys and values only: a recurrent state cannot be unread. */
  truncate(position: number): void {
    if (this.#busy !== null) throw busy(this.#busy)
    this.#assertCut(position).truncate(position)
    this.#state.position = position
  }

  /** Its keys and values, if they can be cut back to `position`. */
  #assertCut(position: number): KvCache {
    const { kv, recurrent } = this.#state
    if (recurrent !== null || kv === null) {
      throw new StatePackError(
        'E_NOT_SUPPORTED',
        'A recurrent state cannot be cut back: restore an earlier checkpoint and read on from there.',
        { kind: this.#host.kind },
      )
    }
    if (!Number.isInteger(position) || position < 0 || position > this.#state.position) {
      throw new StatePackError(
        'E_BAD_INPUT',
        `The state has ${this.#state.position} tokens, it cannot be cut to ${position}.`,
      )
    }
    return kv
  }

  /**
   * Hands the state over, to be advanced elsewhere (in a batch); its keys and values are written to the place that is chosen, as far
   * as they do not stand there. Returned are the full blocks that lie in memory of their own: the others are in that place. Until it is
   * taken back the session runs nothing itself: `E_CONFLICT`.
   */
  async lend(choose: (blocks: readonly KvBlock[]) => KvPlaceFrom): Promise<StateSnapshot> {
    const snapshot = await this.#exclusively('lend', async () => {
      const { kv } = this.#state
      await kv?.copyTo(choose)
      const state = await this.#captured(kv?.sealed ?? [])
      kv?.dispose()
      return state
    })
    this.#busy = LENT
    return snapshot
  }

  /** Takes a lent state back, `processed` tokens further; null: nobody goes on from it, and the session is closed. */
  takeBack(snapshot: StateSnapshot | null, processed: number): void {
    if (this.#busy !== LENT) throw new StatePackError('E_CONFLICT', 'This session has not lent its state.')
    this.#busy = null
    this.#processed += processed
    if (this.#disposed) return
    this.#state.kv?.dispose()
    this.#state.recurrent?.dispose()
    if (snapshot === null) this.#disposed = true
    else this.#state = this.#host.stateOf(snapshot)
  }

  dispose(): void {
    this.#disposed = true
    this.#state.kv?.dispose({ inUse: this.#busy !== null })
    this.#state.recurrent?.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  async #prefill(tokens: ArrayLike<number>, options: AppendOptions): Promise<Float32Array> {
    let feeding: Promise<void> = Promise.resolve()
    try {
      const { kv } = this.#state
      const logits = await this.#readChunks(tokens, options, async sink => {
        await feeding
        if (kv?.canFeed) feeding = kv.feed(sink, kv.length - (kv.length % BLOCK_TOKENS))
        // Heard of when the next chunk has been read.
        feeding.catch(() => {})
      })
      await feeding
      return logits
    } finally {
      // It still reads from the buffers. What failed first is said.
      await feeding.catch(() => {})
    }
  }

  async #readChunks(
    tokens: ArrayLike<number>,
    options: AppendOptions,
    feed: (sink: BlockSink) => Promise<void>,
  ): Promise<Float32Array> {
    const { logits: wanted = 'last', signal, onProgress, onCheckpoint, sink, inTurn } = options
    const total = tokens.length
    const vocab = this.#host.vocabSize
    const rows = Math.min(total, rowsOf(wanted))
    const logits = new Float32Array(rows * vocab)
    if (total > 0) await this.#state.kv?.reserve(this.#state.position + total + 1, this.#host.contextLength)
    let began = performance.now()
    for (let done = 0; done < total; ) {
      this.#alive()
      if (signal?.aborted) throw new StatePackError('E_CANCELLED', 'Cancelled.')
      const most = onCheckpoint === undefined ? total : BLOCK_TOKENS - (this.#state.position % BLOCK_TOKENS)
      const count = Math.min(this.#host.chunkTokens, most, total - done)
      const chunk = Array.prototype.slice.call(tokens, done, done + count)
      done += count
      // Of this chunk's tokens: the wanted ones are the last of all.
      const [from, to] = [done - count, done].map(end => Math.max(0, end - (total - rows)) * vocab)
      await this.#run(chunk, logits.subarray(from, to), { signal, inTurn })
      if (onCheckpoint !== undefined && this.#state.position % BLOCK_TOKENS === 0) {
        onCheckpoint(await this.#capture())
      }
      if (sink !== undefined) await feed(sink)
      const now = performance.now()
      await onProgress?.({ done, total, tokensPerSecond: (done * 1000) / Math.max(now - began, 1e-3) })
      const held = performance.now() - now
      began += held
      this.#heldMs += held
    }
    return logits
  }

  /** One pass over a chunk. Fills `logits` with those of its last tokens, as many as it has room for. */
  async #run(chunk: readonly number[], logits: Float32Array, options: RunOptions): Promise<void> {
    const { feeds, outputs, take } = chunkRun(this.#host, this.#state, { chunk, logits })
    const results = await this.#host.run(feeds, outputs, { ...options, reads: chunk.length })
    this.#alive()
    this.#processed += chunk.length
    take(results)
  }

  async #capture(): Promise<StateSnapshot> {
    return this.#captured((await this.#state.kv?.blocks()) ?? [])
  }

  async #captured(blocks: StateSnapshot['blocks']): Promise<StateSnapshot> {
    const { recurrent, position } = this.#state
    const layers = recurrent === null ? [] : await recurrent.snapshot()
    this.#alive()
    return { kind: this.#host.kind, position, blocks, recurrent: layers }
  }

  async #exclusively<T>(what: string, task: () => Promise<T>): Promise<T> {
    this.#alive()
    if (this.#busy !== null) throw busy(this.#busy)
    this.#busy = what
    try {
      return await task()
    } catch (error) {
      const known = toStatePackError(error)
      throw known.code === 'E_INTERNAL' ? new StatePackError('E_INFERENCE', known.message, known.details, error) : known
    } finally {
      this.#busy = null
    }
  }

  #alive(): void {
    if (this.#disposed) throw new StatePackError('E_CONFLICT', 'This session has been closed.')
  }
}

function busy(what: string): StatePackError {
  return new StatePackError('E_CONFLICT', `This session is busy (${what}).`, { busy: what })
}
