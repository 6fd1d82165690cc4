import { Tensor } from 'onnxruntime-node'
import { StatePackError } from '#shared/domain/error.ts'
import { Answer } from './answer.ts'
import { BatchKv } from './batchKv.ts'
import { BatchRecurrent } from './batchRecurrent.ts'
import type { GenerateOptions, Generation } from './generate.ts'
import type { KvLayerGeometry, SsmLayerGeometry } from './layers.ts'
import type { SessionHost } from './session.ts'
import { BLOCK_TOKENS, type StateSnapshot } from './stateSnapshot.ts'

/**
 * Several contexts of one model that advance together, one token each, in one pass: the weights are read once for all of
 * them. The contexts may have any lengths and share nothing but the model (and, in memory, the blocks of a common base).
 *
 * A batch is for generating and for short deltas. Longer texts are read in sessions, where one pass takes many tokens: the
 * attention operator takes many rows or many tokens onto a past, not both. Numbers equal a session's to within rounding
 * (another kernel), so token ids are the same but for ties; `environment` is not enough to make them bit-equal.
 */
export class Batch implements Disposable {
  readonly #host: SessionHost
  readonly #kv: BatchKv | null
  readonly #recurrent: BatchRecurrent | null
  readonly #snapshots: readonly StateSnapshot[]
  readonly #positions: number[]
  readonly #processed: number[]

  constructor(
    host: SessionHost,
    layers: { readonly kv: readonly KvLayerGeometry[]; readonly ssm: readonly SsmLayerGeometry[] },
    states: readonly StateSnapshot[],
  ) {
    this.#host = host
    this.#snapshots = states
    this.#positions = states.map(({ position }) => position)
    this.#processed = states.map(() => 0)
    this.#kv = layers.kv.length === 0 ? null : new BatchKv(layers.kv, states)
    this.#recurrent = layers.ssm.length === 0 ? null : new BatchRecurrent(layers.ssm, states)
  }

  /** How many contexts there are. */
  get rows(): number {
    return this.#positions.length
  }

  /** Tokens read, row by row. */
  get positions(): readonly number[] {
    return this.#positions
  }

  /** Tokens each row has really run through the model. */
  get processed(): readonly number[] {
    return this.#processed
  }

  /**
   * Reads one token per row (null: this row waits) and returns the logits after it, null for a row that waited. Throws
   * `E_CONTEXT_LENGTH` (nothing is read then), `E_BAD_INPUT`, `E_INFERENCE`.
   */
  async step(tokens: readonly (number | null)[]): Promise<(Float32Array | null)[]> {
    this.#check(tokens)
    if (tokens.every(token => token === null)) return tokens.map(() => null)
    const { vocabSize } = this.#host
    const rows = this.rows
    const logits = new Float32Array(rows * vocabSize)
    const ids = BigInt64Array.from(tokens, token => BigInt(token ?? 0))
    const feeds: Record<string, Tensor> = {
      input_ids: new Tensor('int64', ids, [rows, 1]),
      num_logits: new Tensor('int64', BigInt64Array.of(1n), []),
    }
    const outputs: Record<string, Tensor> = { logits: new Tensor('float32', logits, [rows, 1, vocabSize]) }
    const waits = tokens.map(token => token === null)
    this.#kv?.prepare({ positions: this.#positions, waits, contextLength: this.#host.contextLength }, feeds, outputs)
    this.#recurrent?.prepare(feeds, outputs)
    await this.#host.run(feeds, outputs)
    this.#kv?.finish()
    this.#recurrent?.finish(waits)
    return tokens.map((token, row) => {
      if (token === null) return null
      this.#positions[row] = (this.#positions[row] ?? 0) + 1
      this.#processed[row] = (this.#processed[row] ?? 0) + 1
      return logits.slice(row * vocabSize, (row + 1) * vocabSize)
    })
  }

  /** Reads a delta of its own in every row, however long each is; returns the logits after each (null for an empty one). */
  async append(deltas: readonly ArrayLike<number>[], signal?: AbortSignal): Promise<(Float32Array | null)[]> {
    const after: (Float32Array | null)[] = deltas.map(() => null)
    const longest = Math.max(0, ...deltas.map(({ length }) => length))
    for (let at = 0; at < longest; at++) {
      if (signal?.aborted) throw new StatePackError('E_CANCELLED', 'Cancelled.')
      const rows = await this.step(deltas.map(delta => delta[at] ?? null))
      for (const [row, logits] of rows.entries()) after[row] = logits ?? after[row] ?? null
    }
    return after
  }

  /** One row's state. Copies what the row has read in this batch and its unfinished block, not its base. */
  capture(row: number): StateSnapshot {
    const base = this.#snapshots[row]
    const position = this.#positions[row]
    if (base === undefined || position === undefined)
      throw new StatePackError('E_BAD_INPUT', `The batch has no row ${row}.`)
    const shared = base.blocks.filter(({ tokens }) => tokens === BLOCK_TOKENS)
    return {
      kind: base.kind,
      position,
      blocks: this.#kv === null ? [] : [...shared, ...this.#kv.read(row, shared.length * BLOCK_TOKENS, position)],
      recurrent: this.#recurrent?.read(row) ?? [],
    }
  }

  dispose(): void {
    this.#positions.length = 0
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  #check(tokens: readonly (number | null)[]): void {
    const { vocabSize, contextLength } = this.#host
    if (tokens.length !== this.rows || this.rows === 0) {
      throw new StatePackError('E_BAD_INPUT', `The batch has ${this.rows} rows, ${tokens.length} tokens were given.`)
    }
    for (const [row, token] of tokens.entries()) {
      if (token === null) continue
      if (!Number.isInteger(token) || token < 0 || token >= vocabSize) {
        throw new StatePackError(
          'E_BAD_INPUT',
          `Not a token id of this model: ${token} (its vocabulary has ${vocabSize}).`,
        )
      }
      const position = this.#positions[row] ?? 0
      if (contextLength !== null && position >= contextLength) {
        throw new StatePackError(
          'E_CONTEXT_LENGTH',
          `Row ${row} has read ${position} tokens, all that this model can.`,
          {
            row,
            contextLength,
            position,
          },
        )
      }
    }
  }
}

/**
 * Generates in all rows at once, each with its own settings, from the logits after each row's last token; a row that has
 * ended waits for the others. The same meaning as {@link generate} row by row, except that `keepOutput` is not offered.
 */
export async function generateTogether(
  batch: Batch,
  requests: readonly { readonly logits: Float32Array; readonly options: GenerateOptions }[],
): Promise<Generation[]> {
  const rows = requests.map(({ logits, options }) => ({ answer: new Answer(options, logits.length), fed: 0, logits }))
  if (rows.length !== batch.rows) {
    throw new StatePackError('E_BAD_INPUT', `The batch has ${batch.rows} rows, ${rows.length} requests were given.`)
  }
  for (;;) {
    const tokens = rows.map(({ answer, logits }) => (answer.take(logits) ? (answer.ids.at(-1) ?? null) : null))
    if (tokens.every(token => token === null)) break
    const after = await batch.step(tokens)
    for (const [row, state] of rows.entries()) {
      const logits = after[row]
      if (logits === null || logits === undefined) continue
      state.logits = logits
      state.fed += 1
    }
  }
  return rows.map(({ answer, fed, logits }) => answer.generation(fed, logits))
}
