/** What every decoder graph shares: token ids in, the positions asked for at the end, logits out. */
import type { GraphBuilder, Value } from './graphBuilder.ts'
import type { GraphWeights } from './graphWeights.ts'

/** The largest int64, for "to the end" in Slice. */
const END = Number.MAX_SAFE_INTEGER

/**
 * Between layers the hidden states are one matrix `[B·T, hidden]` (N = B·T below), because Gemm takes matrices;
 * attention and scans see `[B, T, …]`.
 */
export class DecoderFrame {
  readonly graph: GraphBuilder
  readonly inputIds: Value
  /** int64 [1] each. */
  readonly batch: Value
  readonly tokens: Value
  readonly #rows: Value
  readonly #numLogits: Value

  constructor(graph: GraphBuilder) {
    this.graph = graph
    this.inputIds = graph.input('input_ids', 'int64', ['batch', 'tokens'])
    const numLogits = graph.input('num_logits', 'int64', [])
    this.#numLogits = graph.op('Reshape', [numLogits, graph.int64([1])])
    this.batch = graph.op('Shape', [this.inputIds], { start: 0, end: 1 })
    this.tokens = graph.op('Shape', [this.inputIds], { start: 1, end: 2 })
    this.#rows = graph.op('Concat', [this.batch, this.tokens, graph.int64([-1])], { axis: 0 })
  }

  /** `[N, width] -> [B, T, width]`. */
  unflatten(x: Value): Value {
    return this.graph.op('Reshape', [x, this.#rows])
  }

  /** `[B, T, width] -> [N, width]`. */
  flatten(x: Value, width: number): Value {
    return this.reshape(x, [-1, width])
  }

  /** A dimension of 0 stays as it is, one of -1 takes the rest. */
  reshape(x: Value, dims: readonly number[]): Value {
    return this.graph.op('Reshape', [x, this.graph.int64(dims)])
  }

  /** `[N] or [N, …] -> [B, T, …dims]`. */
  unflattenTo(x: Value, dims: readonly number[]): Value {
    const shape = this.graph.op('Concat', [this.batch, this.tokens, this.graph.int64(dims)], { axis: 0 })
    return this.graph.op('Reshape', [x, shape])
  }

  /** `[N, width] -> [B·num_logits, width]`: only the positions whose logits are asked for go on to the head. */
  lastPositions(x: Value, width: number): Value {
    const { graph } = this
    const start = graph.op('Sub', [this.tokens, this.#numLogits])
    const kept = graph.op('Slice', [this.unflatten(x), start, graph.int64([END]), graph.int64([1])])
    const rows = graph.op('Mul', [this.batch, this.#numLogits])
    const shape = graph.op('Concat', [rows, graph.int64([width])], { axis: 0 })
    return graph.op('Reshape', [kept, shape], { allowzero: 1 })
  }

  /** Declares `logits [B, num_logits, vocab]` from the head's matrix. */
  logits(x: Value, vocabSize: number): void {
    const { graph } = this
    const shape = graph.op('Concat', [this.batch, this.#numLogits, graph.int64([vocabSize])], { axis: 0 })
    graph.op('Reshape', [x, shape], { allowzero: 1 }, 'logits')
    graph.output('logits', 'float32', ['batch', 'num_logits', vocabSize])
  }
}

/** Root mean square norm: x / √(mean(x²) + ε) · weight, over the last axis. */
export function rmsNorm(graph: GraphBuilder, x: Value, weight: Value, epsilon: number): Value {
  return graph.op('SimplifiedLayerNormalization', [x, weight], { axis: -1, epsilon: { float: epsilon } })
}

export interface VocabularyHead {
  /** `[B·num_logits, width]`, after the last norm. */
  readonly hidden: Value
  /** Its own weight, or the embedding table when they are tied. */
  readonly table: string
  readonly vocabSize: number
  readonly width: number
  /** What logits are multiplied with; default 1. */
  readonly multiplier?: number
  /** c in c · tanh(logits / c); null or absent: none. */
  readonly softcap?: number | null
}

/** Declares the logits. */
export function vocabularyHead(frame: DecoderFrame, weights: GraphWeights, head: VocabularyHead): void {
  const { graph } = frame
  const name = head.table.replace(/\.weight$/, '')
  const plain = weights.head(head.hidden, name, [head.vocabSize, head.width])
  const logits = graph.scale(plain, head.multiplier ?? 1)
  const cap = head.softcap ?? null
  const capped = cap === null ? logits : graph.scale(graph.op('Tanh', [graph.scale(logits, 1 / cap)]), cap)
  frame.logits(capped, head.vocabSize)
}
